import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { chrootOption, kamailioOptions } from '../../src/interface/kamailio-options.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';

const REFUSED: readonly (readonly [string, RegExp])[] = [
  ['-P /run/x.pid', /holds -P, .*parameter pidfile/],
  ['-P/run/x.pid', /holds -P/],
  ['-f /etc/other.cfg', /holds -f, .*parameter conffile/],
  ['-c', /holds -c, which only checks/],
  ['-h', /holds -h/],
  ['-v', /holds -v/],
  ['-V', /holds -V/],
  ['-I', /holds -I/],
  ['-D', /holds -D, with which Kamailio writes no pidfile/],
  ['-rRD', /holds -D/],
  ['-m 64 -c', /holds -c/],
  ['--version', /holds --version/],
  ['--help', /holds --help/],
  ['--cfg-print', /holds --cfg-print/],
];

for (const [options, reason] of REFUSED) {
  test(`extra_options with ${options} are refused`, () => {
    assert.throws(() => kamailioOptions(options), reason);
  });
}

test("words that are another option's arguments, and those that work, are taken", () => {
  for (const options of [
    '-m 64 -M 8',
    '-A -c',
    '-A WITH_P -n 4',
    '-u kamailio -g kamailio',
    '-l udp:127.0.0.1:5080',
    '-DD',
    '-DDD -E',
    '-dddd',
    '--alias=sip.example.com',
    '-w /var/lib -Y /run/x',
    '-t /var/jail',
    '',
  ])
    assert.equal(kamailioOptions(options), options.split(' ').filter(Boolean));
  assert.is(chrootOption(['-m', '64', '-t', '/a']), '/a');
  assert.is(chrootOption(['-t/a']), '/a');
  assert.is(chrootOption(['-T']), undefined);
});

for (const params of [
  { extra_options: '-P /run/x.pid' },
  { extra_options: '-D' },
  { listen_address: '0.0.0.0' },
  { listen_address: '::', proto: 'udp' },
  { listen_address: '0.0.0.0', proto: 'tcp' },
] as const) {
  const name = Object.entries(params)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
  test(`start and validate-all refuse ${name} with 6, and a stop works with it`, () =>
    withInstance({}, async (instance) => {
      assertCall(await call(instance, 'start'), 0);
      for (const action of ['validate-all', 'start'])
        assertCall(
          await call(instance, action, params),
          6,
          /remedy|use the parameter|remove it|set proto to conf_/,
        );
      assertCall(await call(instance, 'monitor', params), 190);
      assert.ok(instance.pids().length > 0, 'nothing was touched');
      assertCall(await call(instance, 'stop', params), 0);
      assert.equal(instance.pids(), []);
    }));
}

test('with conf_udp all addresses are allowed, and the loopback address is polled', () =>
  withInstance(
    {
      params: { listen_address: '0.0.0.0', proto: 'conf_udp' },
      config: (port) => `listen=udp:0.0.0.0:${port}`,
    },
    async (instance) => {
      assertCall(await call(instance, 'start'), 0);
      assertCall(await call(instance, 'monitor'), 0);
      const { stdout } = await call(instance, 'diagnose');
      assert.match(stdout, new RegExp(`ok +udp:127\\.0\\.0\\.1:${instance.port} `));
      assertCall(await call(instance, 'stop'), 0);
    },
  ));

test.run();
