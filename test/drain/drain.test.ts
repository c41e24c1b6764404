import { existsSync, writeFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { processesOf } from '../health/support.ts';
import { useCtlAlone } from '../kamctl/ctl-alone.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { until } from '../support/instance.ts';
import { signalAll } from '../support/processes.ts';
import { DRAIN_CONFIG, SIPP } from '../support/sip-calls.ts';
import { withStandIn } from '../support/stand-in.ts';
import { DRAIN, DRAINABLE, rpc, withCalls } from './support.ts';

const callTest = existsSync(SIPP) ? test : test.skip;

const LEVEL_0 = { env: { OCF_CHECK_LEVEL: '0' } };
const LEVEL_20 = { env: { OCF_CHECK_LEVEL: '20' } };
const DRAINING = /^Kamailio \(pid \d+\) serves, but: udp:127\.0\.0\.1:\d+: draining, it answers 503; /;

test('a Kamailio that was drained by hand, or comes up so, is alive where probe_drained says so, and has failed otherwise', () =>
  withInstance(
    { ...DRAINABLE, config: DRAIN_CONFIG.replace('drain.active = 0', 'drain.active = 1') },
    async (instance) => {
      const drained = { probe_drained: '480, 503' };
      for (const when of ['launched', 'there already']) {
        const started = await call(instance, 'start', drained);
        assertCall(started, 0);
        assert.match(
          started.stderr,
          /WARNING: Kamailio \(pid \d+\) serves, but udp:.*: draining, it answers 503/,
          when,
        );
      }
      assertCall(await call(instance, 'monitor', drained), 190, DRAINING, / \|\| tcp:.*: draining/);
      assertCall(await call(instance, 'monitor', drained, LEVEL_20), 190, DRAINING);
      assertCall(await call(instance, 'monitor', drained, LEVEL_0), 0);
      const external = { ...drained, monitor_tools: 'external', kamctlrc: '' };
      assertCall(await call(instance, 'monitor', external), 190, DRAINING);
      assertCall(await call(instance, 'monitor'), 1, /answers OPTIONS \S+ with 503 Draining/);
      assertCall(await call(instance, 'monitor', { probe_drained: '480' }), 1, /with 503 Draining/);
      const diagnosed = await call(instance, 'diagnose', { ...drained, ...DRAIN, drain_timeout: '1min' });
      assert.is(diagnosed.code, 190);
      assert.match(diagnosed.stdout, /WARNING +udp:127\.0\.0\.1:\d+ +draining, it answers 503/);
      assert.match(
        diagnosed.stdout,
        /ok +drain +no call now, says dlg\.stats_active; a stop runs `cfg\.set_now_int drain active 1` and waits for them 60 s, or as long as/,
      );
      const missing = await call(instance, 'diagnose', { ...drained, drain: 'nope.nope' });
      assert.match(
        missing.stdout,
        /WARNING +drain +system\.methodHelp .* error.*\n +-> .*the module of nope\.nope/,
      );
      await rpc(instance, 'cfg.set_now_int', 'drain', 'active', 0);
      assertCall(await call(instance, 'monitor', drained), 0);
      assertCall(await call(instance, 'monitor', external), 0);
    },
  ));

callTest('a stop with drain refuses new calls, and ends Kamailio when the last one has ended', () =>
  withCalls(5, 6, async ({ instance, ended }) => {
    const params = { ...DRAIN, drain_timeout: '40', CRM_meta_timeout: '80000' };
    const stopped = await call(instance, 'stop', params);
    assertCall(stopped, 0);
    const [first = '', ...others] = stopped.stderr.split('\n');
    assert.match(
      first,
      /draining Kamailio \(pid \d+\): it took `cfg\.set_now_int drain active 1`; the stop waits up to \d+ s for its calls$/,
    );
    assert.match(others.join('\n'), /drained: no call is left\n.*Kamailio is stopped: /);
    // The log would say so if polls were not refused.
    assert.not.match(stopped.stderr, /WARNING/);
    assert.equal(await ended(), { kept: 5, cut: 0 });
    assert.equal(instance.pids(), []);
    assert.not(existsSync(instance.spareFifo), 'no FIFO for replies is left');
  }),
);

callTest("a stop drains a Kamailio with ctl alone over ctl's socket, and diagnose counts its calls", () =>
  withCalls(
    3,
    6,
    async ({ instance, ended }) => {
      const { stdout } = await call(instance, 'diagnose', DRAIN);
      assert.match(
        stdout,
        /ok +drain +3 calls now, says dlg\.stats_active; a stop runs `cfg\.set_now_int drain/,
      );
      const stopped = await call(instance, 'stop', { ...DRAIN, CRM_meta_timeout: '80000' });
      assertCall(stopped, 0);
      assert.match(stopped.stderr, /it took `cfg\.set_now_int drain active 1`; the stop waits/);
      assert.match(stopped.stderr, /drained: no call is left\n/);
      assert.equal(await ended(), { kept: 3, cut: 0 });
    },
    (instance) => useCtlAlone(instance),
  ),
);

for (const [what, params] of [
  ['drain_timeout', { drain_timeout: '8', CRM_meta_timeout: '60000' }],
  ['the timeout of the operation', { CRM_meta_timeout: '20000' }],
  ['the timeout of the operation less stop_grace', { CRM_meta_timeout: '20000', stop_grace: '9' }],
] as const)
  callTest(`a stop with drain waits no longer than ${what} allows, and says how many calls were left`, () =>
    withCalls(3, 60, async ({ instance }) => {
      const stopped = await call(
        instance,
        'stop',
        { ...DRAIN, ...params },
        { limitMs: Number(params.CRM_meta_timeout) },
      );
      assertCall(stopped, 0);
      assert.match(stopped.stderr, /WARNING: the time to drain is over and the stop goes on: 3 calls left; /);
      assert.equal(instance.pids(), []);
    }),
  );

callTest('a Kamailio that ends while it is drained is stopped at once', () =>
  withCalls(1, 60, async ({ instance }) => {
    const stopping = call(instance, 'stop', { ...DRAIN, CRM_meta_timeout: '600000' });
    await until(async () => (await call(instance, 'monitor', DRAIN)).code === 190, 'it is drained');
    process.kill(instance.mainPid(), 'SIGKILL');
    const stopped = await stopping;
    assertCall(stopped, 0);
    assert.match(
      stopped.stderr,
      /WARNING: Kamailio \(pid \d+\) ended while it was drained: (1 call left|how many)/,
    );
    assert.equal(instance.pids(), []);
  }),
);

/** What keeps a Kamailio from being drained: parameters, what is done to its processes, and what the log says. */
const NOT_DRAINED: readonly (readonly [
  string,
  Readonly<Record<string, string>>,
  RegExp | undefined,
  RegExp,
])[] = [
  [
    'an unknown method',
    { drain: 'nope.nope 1' },
    undefined,
    /not drained, .*nope\.nope over \S+ was answered with an error/,
  ],
  [
    'no method at all',
    { drain: 'now' },
    undefined,
    /not drained, .*drain=now: begins with "now", which is no RPC method/,
  ],
  [
    'a method without its value',
    { drain: 'cfg.set_now_int drain' },
    undefined,
    /answers polls as before: .*same variable/,
  ],
  ['an empty kamctlrc', { kamctlrc: '' }, undefined, /not drained, .*kamctlrc is empty/],
  [
    'a kamctlrc that is missing',
    { kamctlrc: '/nonexistent' },
    undefined,
    /not drained, .*\/nonexistent is missing/,
  ],
  ['an RPC process that hangs', {}, /^JSONRPCS FIFO/, /not drained, .*no reply to core\.uptime/],
  ['workers that hang', {}, /^(udp|tcp) receiver/, /not drained, .*no answer to OPTIONS/],
];

test('a stop whose drain fails goes on, and the log says why', () =>
  withInstance(DRAINABLE, async (instance) => {
    for (const [what, params, hanging, says] of NOT_DRAINED) {
      assertCall(await call(instance, 'start'), 0);
      if (hanging) signalAll(await processesOf(instance, hanging), 'SIGSTOP');
      const stopped = await call(instance, 'stop', { ...DRAIN, probe_timeout: '1', ...params });
      assertCall(stopped, 0);
      assert.match(stopped.stderr, says, what);
      assert.equal(instance.pids(), [], what);
    }
    const nothing = await call(instance, 'stop', DRAIN);
    assertCall(nothing, 0);
    assert.is(nothing.stderr, '', 'nothing is drained where nothing runs');
  }));

test('a Kamailio without the dialog module is not waited for, and diagnose says so before', () =>
  withInstance(
    { config: DRAIN_CONFIG.replace('loadmodule "dialog.so"', ''), route: 'sl_send_reply("200", "OK");' },
    async (instance) => {
      assertCall(await call(instance, 'start'), 0);
      const { code, stdout } = await call(instance, 'diagnose', DRAIN);
      assert.is(code, 0);
      assert.match(
        stdout,
        /WARNING +drain +dlg\.stats_active .*error.*\n +-> kamailio\.cfg must load dialog\.so/,
      );
      const stopped = await call(instance, 'stop', DRAIN);
      assertCall(stopped, 0);
      assert.match(stopped.stderr, /the stop goes on, for Kamailio does not say how many calls are left: /);
    },
  ));

test('the Kamailio that reads the FIFO of another one is not drained in its place', () =>
  withInstance(DRAINABLE, (instance) =>
    withInstance(DRAINABLE, async (other) => {
      for (const one of [instance, other]) assertCall(await call(one, 'start'), 0);
      writeFileSync(instance.kamctlrc, `RPCFIFOPATH=${other.fifo}\n`);
      const stopped = await call(instance, 'stop', DRAIN);
      assertCall(stopped, 0);
      assert.match(stopped.stderr, /not drained, .*is read by .*, not by this Kamailio/);
      assertCall(await call(other, 'monitor'), 0);
    }),
  ));

/** Answers polls and requests; the number of its calls is `all`. */
const standIn = (port: number, fifo: string, all: string) => `
const { execFileSync } = require('node:child_process');
const { constants, openSync, readSync, writeFileSync } = require('node:fs');
execFileSync('mkfifo', [${JSON.stringify(fifo)}]);
const fd = openSync(${JSON.stringify(fifo)}, constants.O_RDWR | constants.O_NONBLOCK);
setInterval(() => {
  const buffer = Buffer.alloc(65536);
  let length = 0;
  try { length = readSync(fd, buffer); } catch {}
  for (const line of buffer.toString('utf8', 0, length).split('\\n').filter((text) => text.trim())) {
    const { id, method, reply_name } = JSON.parse(line);
    const result = method === 'dlg.stats_active' ? { all: ${all} } : { uptime: 1 };
    writeFileSync('/tmp/' + reply_name, JSON.stringify({ jsonrpc: '2.0', result, id }));
  }
}, 5);
const socket = require('node:dgram').createSocket('udp4');
socket.on('message', (text, { port, address }) => {
  const headers = String(text).split('\\r\\n').filter((line) => /^(Via|From|To|Call-ID|CSeq):/.test(line));
  socket.send(['SIP/2.0 200 OK', ...headers, 'Content-Length: 0', '', ''].join('\\r\\n'), port, address);
});
socket.bind(${port}, '127.0.0.1');`;

for (const all of ['"many"', '""'])
  test(`a number of calls that is ${all} ends in a stop that goes on`, () =>
    withInstance({ params: { proto: 'udp' } }, async (instance) => {
      await withStandIn(instance, standIn(instance.port, instance.fifo, all), async ({ ended }) => {
        const stopped = await call(instance, 'stop', { ...DRAIN, binary: `${instance.directory}/kamailio` });
        assertCall(stopped, 0);
        assert.match(
          stopped.stderr,
          /how many calls are left: the reply to dlg\.stats_active has no number "all"/,
        );
        await until(() => ended() !== undefined, 'it is ended');
      });
    }));

test.run();
