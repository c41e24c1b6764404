import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { words } from '../../src/interface/domains.ts';
import { readCommandOptions } from '../../src/suggestion/command-options.ts';
import { joinWords, quoteForShell } from '../../src/suggestion/quote.ts';
import { comment } from '../../src/suggestion/report.ts';

/** Words that a shell, or the splitting of extra_options, could act on. */
const HOSTILE = [
  '',
  ' ',
  "it's",
  '"quoted"',
  `both ' and "`,
  '$(touch /tmp/x)',
  '`id`',
  '$HOME',
  '\\',
  '\\"',
  "'\\''",
  ';reboot',
  '&& reboot',
  '*',
  '~root',
  '!!',
  '#no comment',
  '-A',
  'a=b c',
  'ä€',
];

test('a shell reads every quoted word back as it was', () => {
  const quoted = HOSTILE.map(quoteForShell).join(' ');
  const shell = spawnSync('/bin/sh', ['-c', `printf '%s\\0' ${quoted}`], { encoding: 'utf8' });
  assert.equal(shell.stdout.split('\0').slice(0, -1), HOSTILE);
});

test('extra_options splits joined words into the same words', () => {
  assert.equal(words(joinWords(HOSTILE)), HOSTILE);
});

test('a comment stays one line, and holds nothing that an interactive shell expands', () => {
  const line = comment('first\nrm -rf / `id` $(id) !! \u001b[2J');
  assert.is(line.split('\n').length, 1);
  assert.match(line, /^# /);
  assert.not.match(line, /[`$!]/);
  assert.not.ok(line.includes('\u001b'));
});

test('options of Kamailio are read as getopt reads them: joined values, letters in a row, long ones', () => {
  const { rest, ...options } = readCommandOptions([
    ...['-P', '/run/k.pid', '-f/etc/k.cfg', '-DDE', '-Tm', '128', '-l', 'udp:192.0.2.1:5060', '-ludp:lo'],
    ...['--modparam=a:b:s:c', '--alias', 'sip.example', '-A', '-P'],
  ]);
  assert.equal(options, {
    pidfile: '/run/k.pid',
    pidfileIsJoined: false,
    conffile: '/etc/k.cfg',
    user: undefined,
    group: undefined,
    listen: ['udp:192.0.2.1:5060', 'udp:lo'],
    withoutTcp: true,
    dropped: ['-D', '-D', '-E'],
  });
  assert.equal(rest, ['-m', '128', '--modparam=a:b:s:c', '--alias', 'sip.example', '-A', '-P']);
});

test.run();
