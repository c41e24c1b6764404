// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expansions of a shell, not of a template
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Failure } from '../../src/failure/failure.ts';
import { parseKamctlrc, readControlSettings } from '../../src/kamctl/kamctlrc.ts';

const fifoOf = (text: string) => parseKamctlrc(text, '/etc/kamctlrc').get('RPCFIFOPATH');

/** What a real shell makes of the two settings of a file. */
function shellSettings(text: string): string[] {
  const directory = mkdtempSync('/tmp/ocf-kamailio-rc-');
  try {
    const file = join(directory, 'kamctlrc');
    writeFileSync(file, text);
    const script = '. "$1"; printf "%s\\0%s" "$RPCFIFOPATH" "$CHROOT_DIR"';
    const shell = spawnSync('/bin/sh', ['-c', script, 'sh', file], { encoding: 'utf8', env: {} });
    assert.is(shell.status, 0, `${text}: ${shell.stderr}`);
    return shell.stdout.split('\0');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const HARMLESS = [
  '',
  'RPCFIFOPATH=/run/a.fifo',
  'RPCFIFOPATH=/run/a.fifo\n',
  'RPCFIFOPATH="/run/a.fifo"',
  "RPCFIFOPATH='/run/a.fifo'",
  'RPCFIFOPATH="/run/with blank"',
  'RPCFIFOPATH=/run/with\\ blank',
  'RPCFIFOPATH=/run/"a b"\'c d\'e',
  "RPCFIFOPATH='/run/$x`y`\\'",
  '  RPCFIFOPATH=/run/a.fifo   # where it is',
  'RPCFIFOPATH=/run/a#b',
  'RPCFIFOPATH="/run/a # b"',
  'RPCFIFOPATH=/run/a.fifo;',
  '\texport RPCFIFOPATH=/run/a.fifo',
  'export  RPCFIFOPATH="/run/a.fifo" # yes',
  '# RPCFIFOPATH=/run/comment\nRPCFIFOPATH=/run/a.fifo',
  'RPCFIFOPATH=/run/first\nRPCFIFOPATH=/run/last',
  'RPCFIFOPATH=/run/first\n#RPCFIFOPATH=/run/last',
  'RPCFIFOPATH=/run/first\nRPCFIFOPATH=',
  'RPCFIFOPATH=\nCHROOT_DIR=""',
  'RPCFIFOPATH= # nothing',
  'CHROOT_DIR=/srv/jail\nRPCFIFOPATH=/srv/jail/run/a.fifo',
  'XRPCFIFOPATH=/run/x\nRPCFIFOPATHX=/run/y\nSIP_DOMAIN=example.org',
  'DBENGINE=MYSQL\nDBRWPW="pass word"\nRPCFIFOPATH=/run/a.fifo\nVERBOSE=1',
  'A=$(printf x)\nB=`printf y`\nC=${A}\nRPCFIFOPATH=/run/a.fifo',
  'RPCFIFOPATH=/run/*',
  'RPCFIFOPATH=/run/{a,b}',
  "RPCFIFOPATH='/run/it'\\''s'",
];

test('harmless files are read as a shell reads them', () => {
  for (const text of HARMLESS) {
    const settings = parseKamctlrc(text, 'x');
    assert.equal(
      [settings.get('RPCFIFOPATH') ?? '', settings.get('CHROOT_DIR') ?? ''],
      shellSettings(text),
      text,
    );
  }
});

test('line ends of CRLF belong to no value', () => {
  assert.is(fifoOf('SIP_DOMAIN=x\r\nRPCFIFOPATH=/run/a.fifo\r\n'), '/run/a.fifo');
  assert.is(fifoOf('RPCFIFOPATH="/run/a.fifo" # x\r\n'), '/run/a.fifo');
});

test('what a shell would expand or execute is refused for the settings that the agent reads, with file and line', () => {
  for (const value of [
    '$(touch /nonexistent/x)',
    '/run/$(id)',
    '"/run/$(id)"',
    '`id`',
    '"/run/`id`"',
    '${HOME}/fifo',
    '"${HOME}/fifo"',
    '$HOME/fifo',
    "$'/run/a'",
    '/run/a; touch /nonexistent/x',
    '/run/a && id',
    '/run/a | id',
    '/run/a >x',
    '/run/a b',
    '"/run/a',
    "'/run/a",
    '/run/a\\',
    '(/run/a)',
    '~/fifo',
    'run/a',
    '"/run/a\u001b"',
  ]) {
    for (const name of ['RPCFIFOPATH', 'CHROOT_DIR', 'RPCFIFOREPLYDIR']) {
      try {
        parseKamctlrc(`# one\nA=b\n  export ${name}=${value}\n`, '/etc/my/kamctlrc');
        assert.unreachable(value);
      } catch (error) {
        assert.instance(error, Failure, `${value}: ${error}`);
        assert.match(String(error), `/etc/my/kamctlrc line 3: ${name} `);
      }
    }
  }
});

test('the same is ignored in other settings', () => {
  const text =
    'DBNAME=$(touch /nonexistent/x)\nOSER=`id`\nPATH="${PATH}:/opt"\nif true; then :; fi\nRPCFIFOPATH=/run/a\n';
  assert.is(fifoOf(text), '/run/a');
});

test('a name behind something else is no assignment', () => {
  for (const text of [
    'echo RPCFIFOPATH=/run/a',
    'RPCFIFOPATH =/run/a',
    'rpcfifopath=/run/a',
    '#RPCFIFOPATH=/run/a',
  ]) {
    assert.is(fifoOf(text), undefined, text);
  }
});

const PIDFILE = '/run/kamailio_p_kam/kamailio.pid';

test('without a setting the places of kamctl and /tmp hold', () => {
  const directory = mkdtempSync('/tmp/ocf-kamailio-rc-');
  try {
    const file = join(directory, 'kamctlrc');
    for (const text of ['', 'RPCFIFOPATH=\n', 'CHROOT_DIR=""\n']) {
      writeFileSync(file, text);
      const { fifo, replyDirectory } = readControlSettings(file, PIDFILE);
      assert.match(fifo, /^(\/var)?\/run\/kamailio\/kamailio_rpc\.fifo$/);
      assert.is(replyDirectory, '/tmp');
    }
    writeFileSync(file, 'CHROOT_DIR=/srv/jail\nRPCFIFOPATH=/srv/jail/run/a\n');
    assert.equal(readControlSettings(file, PIDFILE), {
      fifo: '/srv/jail/run/a',
      replyDirectory: '/srv/jail/tmp',
      replyPrefix: 'kamailio_ocf_run_kamailio_p_kam_kamailio_pid',
      spareFifo: '/srv/jail/tmp/kamailio_ocf_spare_run_kamailio_p_kam_kamailio_pid',
      chroot: '/srv/jail',
      kamctlDirectory: '/srv/jail/tmp',
    });
    for (const written of ['/var/lib/kamailio/rpc', '"/var/lib/kamailio/rpc/"']) {
      writeFileSync(file, `CHROOT_DIR=/srv/jail\nRPCFIFOREPLYDIR=${written}\n`);
      const { replyDirectory, kamctlDirectory } = readControlSettings(file, PIDFILE);
      assert.is(replyDirectory, '/var/lib/kamailio/rpc');
      assert.is(kamctlDirectory, '/srv/jail/tmp');
    }
    writeFileSync(file, 'RPCFIFOREPLYDIR=\n');
    assert.is(readControlSettings(file, PIDFILE).replyDirectory, '/tmp');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('a link to a file is followed; a directory, a FIFO or a huge file is refused at once', () => {
  const directory = mkdtempSync('/tmp/ocf-kamailio-rc-');
  try {
    const file = join(directory, 'kamctlrc');
    writeFileSync(file, 'RPCFIFOPATH=/run/a\n');
    symlinkSync(file, join(directory, 'link'));
    assert.is(readControlSettings(join(directory, 'link'), PIDFILE).fifo, '/run/a');
    mkdirSync(join(directory, 'directory'));
    spawnSync('mkfifo', [join(directory, 'fifo')]);
    writeFileSync(join(directory, 'huge'), Buffer.alloc(1_048_577, '#'));
    for (const name of ['directory', 'fifo', 'huge']) {
      assert.throws(
        () => readControlSettings(join(directory, name), PIDFILE),
        (error: unknown) => error instanceof Failure,
        name,
      );
    }
    assert.throws(() => readControlSettings(join(directory, 'missing'), PIDFILE), /ENOENT/);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('a line of 128 KiB stalls nothing', () => {
  const long = 131_072;
  for (const piece of [' ', '\t', '"', "'", '\\', '""', ' #', ';', 'a']) {
    for (const end of ['', 'x y']) {
      try {
        parseKamctlrc(`RPCFIFOPATH=/run/a${piece.repeat(long / piece.length)}${end}`, 'x');
      } catch (error) {
        assert.instance(error, Failure, String(error));
      }
    }
  }
});

test('a file that is no text breaks nothing', () => {
  const bytes = Buffer.from(Array.from({ length: 65_536 }, (_, index) => (index * 31) % 256));
  assert.is(parseKamctlrc(bytes.toString('utf8'), 'x').size, 0);
});

test.run();
