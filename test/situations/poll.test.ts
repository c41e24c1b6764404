import { test } from 'uvu';
import { assertCall, call, withInstance } from '../support/calls.ts';
import type { InstanceOptions, TestInstance } from '../support/instance.ts';
import { signalAll } from '../support/processes.ts';

/** Replies to the poll of `monitor`, so that the start succeeds, as to others, with what a test wants. */
const answerOthers = (statement: string) => `if (is_method("OPTIONS") && $rU == "monitor") {
    sl_send_reply("200", "OK");
    exit;
  }
  ${statement}`;

/** A Kamailio that was started healthy, polled with another user part, or at another place. */
async function monitorStarted(
  options: InstanceOptions,
  changed: Readonly<Record<string, string>>,
  check: (instance: TestInstance) => readonly RegExp[],
): Promise<void> {
  await withInstance(options, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    assertCall(
      await call(instance, 'monitor', changed),
      1,
      /^Kamailio runs \(pid \d+\) but /,
      ...check(instance),
    );
    assertCall(await call(instance, 'monitor'), 0);
    assertCall(await call(instance, 'stop'), 0);
  });
}

const REPLIES: readonly (readonly [string, RegExp])[] = [
  [
    '404 Not here',
    /kamailio\.cfg must answer OPTIONS to sip:other@127\.0\.0\.1:\d+ with 200 .*, or set probe_user/,
  ],
  ['403 Forbidden', /kamailio\.cfg must answer OPTIONS to sip:other@/],
  ['302 Moved', /kamailio\.cfg must answer OPTIONS to sip:other@/],
  ['483 Too Many Hops', /must answer OPTIONS to sip:other@.* itself with 200 before it forwards/],
  ['503 Service Unavailable', /Kamailio is in trouble or overloaded; see its log/],
  ['202 Accepted', /only 200 counts; change the reply in kamailio\.cfg/],
];

for (const [reply, remedy] of REPLIES) {
  test(`a poll that is answered with ${reply} fails the monitor with the reply and what to do`, () => {
    const [status, ...phrase] = reply.split(' ');
    const route = answerOthers(`sl_send_reply("${status}", "${phrase.join(' ')}");`);
    return monitorStarted({ route }, { probe_user: 'other' }, () => [
      new RegExp(`udp:127\\.0\\.0\\.1:\\d+: answers OPTIONS sip:other@127\\.0\\.0\\.1:\\d+ with ${reply}; `),
      new RegExp(`tcp:127\\.0\\.0\\.1:\\d+: answers OPTIONS sip:other@127\\.0\\.0\\.1:\\d+ with ${reply}; `),
      remedy,
    ]);
  });
}

test('a Kamailio that forwards the poll to itself until the hops run out is told as such', () =>
  monitorStarted(
    {
      config: 'loadmodule "tm.so"\nloadmodule "tmx.so"\nloadmodule "maxfwd.so"',
      route: answerOthers(`if (!mf_process_maxfwd_header("10")) {
    sl_send_reply("483", "Too Many Hops");
    exit;
  }
  t_relay();`),
    },
    { probe_user: 'other' },
    () => [/udp:.*: answers OPTIONS sip:other@.* with 483 Too Many Hops; /, /before it forwards/],
  ));

test('a poll that gets no answer fails the monitor in its own words', () =>
  monitorStarted({ route: answerOthers('exit;') }, { probe_user: 'other', probe_timeout: '1' }, () => [
    /udp:127\.0\.0\.1:\d+: no answer to OPTIONS within \d+\.\d s; its workers may be busy or hung/,
    /tcp:127\.0\.0\.1:\d+: no answer to OPTIONS within \d+\.\d s; /,
  ]));

test('a transport that nobody listens on is refused, and the one that is served is not blamed', () =>
  withInstance({ params: { proto: 'udp' } }, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    assertCall(
      await call(instance, 'monitor', { proto: 'udptcp' }),
      1,
      /not healthy: tcp:127\.0\.0\.1:\d+: nobody listens there \(refused\); compare the listen lines/,
    );
    assertCall(
      await call(instance, 'monitor', { port: '9' }),
      1,
      /not healthy: udp:127\.0\.0\.1:9: nobody listens there \(refused\)/,
    );
    assertCall(await call(instance, 'stop'), 0);
  }));

test('monitoring_ip is polled in the place of listen_address', () =>
  monitorStarted({}, { monitoring_ip: '127.0.0.2' }, () => [
    /udp:127\.0\.0\.2:\d+: nobody listens there \(refused\)/,
    /tcp:127\.0\.0\.2:\d+: nobody listens there \(refused\)/,
  ]));

test('an empty probe_user polls a URI without one', () =>
  withInstance(
    { route: 'if ($rU == $null) sl_send_reply("200", "OK");\n  else sl_send_reply("404", "Not here");' },
    async (instance) => {
      assertCall(await call(instance, 'start', { probe_user: '' }), 0);
      assertCall(await call(instance, 'monitor', { probe_user: '' }), 0);
      assertCall(await call(instance, 'monitor'), 1, /answers OPTIONS sip:monitor@127\.0\.0\.1:\d+ with 404/);
      assertCall(await call(instance, 'stop'), 0);
    },
  ));

/** Drops every other poll of `other`, over all workers. */
const EVERY_OTHER: InstanceOptions = {
  route: answerOthers(`$shv(polls) = $shv(polls) + 1;
  if ($shv(polls) mod 2 == 0) sl_send_reply("200", "OK");`),
};

test('a poll that is answered at the second of two tries is healthy, and level 20 says so', () =>
  withInstance(EVERY_OTHER, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    // Over TCP nothing is sent twice within a try.
    const params = { probes: `tcp:127.0.0.1:${instance.port}`, probe_user: 'other', probe_timeout: '1' };
    const twice = { ...params, probe_tries: '2' };
    assertCall(await call(instance, 'monitor', twice), 0);
    const late = /serves, but: tcp:\S+: answered at try 2 only: no answer to OPTIONS within \d+\.\d s; /;
    assertCall(await call(instance, 'monitor', twice, { env: { OCF_CHECK_LEVEL: '20' } }), 190, late);
    // By default the first try decides.
    assertCall(await call(instance, 'monitor', params), 1, /tcp:\S+: no answer to OPTIONS within/);
    assertCall(await call(instance, 'stop'), 0);
  }));

test('each try is named in the reason, over SIP and the control plane, and none is made beyond the timeout', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const params = { probe_tries: '3', probe_timeout: '1' };
    const refused = 'nobody listens there \\(refused\\)';
    const thrice = new RegExp(`udp:\\S+: 3 tries failed: ${refused}, ${refused}, ${refused}; compare`);
    assertCall(await call(instance, 'monitor', { ...params, port: '9' }), 1, thrice);
    const workers = instance.pids().filter((pid) => pid !== instance.mainPid());
    signalAll(workers, 'SIGSTOP');
    const silent = 'no answer to OPTIONS within \\d\\.\\d s';
    const deaf = new RegExp(`udp:\\S+: 3 tries failed: ${silent}, ${silent}, ${silent}; its workers`);
    const uncontrolled = /control plane: 3 tries failed: no reply to core\.uptime .*, no reply .*, no reply/;
    assertCall(await call(instance, 'monitor', params), 1, deaf, uncontrolled);
    const limitMs = 10_000;
    const many = { ...params, probe_tries: '20', CRM_meta_timeout: String(limitMs) };
    assertCall(await call(instance, 'monitor', many, { limitMs }), 1, /\d tries failed: no answer/);
    signalAll(workers, 'SIGCONT');
    assertCall(await call(instance, 'monitor', params), 0);
    assertCall(await call(instance, 'stop'), 0);
  }));

test('a number of tries that cannot be used fails a start, and costs a healthy Kamailio nothing', () =>
  withInstance({}, async (instance) => {
    assertCall(
      await call(instance, 'start', { probe_tries: '0' }),
      6,
      /^probe_tries=0: is no number of tries/,
    );
    assertCall(await call(instance, 'start'), 0);
    for (const probe_tries of ['0', 'many', '21', '-1', '1.5'])
      assertCall(
        await call(instance, 'monitor', { probe_tries }),
        190,
        /probe_tries=\S+: is no number of tries/,
      );
    assertCall(await call(instance, 'stop'), 0);
  }));

test('control characters of a reply do not reach the log', () =>
  withInstance({ route: answerOthers('sl_send_reply("480", "\x1b[31mred");') }, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    assertCall(await call(instance, 'monitor', { probe_user: 'other' }), 1, /with 480 \?\[31mred; /);
    assertCall(await call(instance, 'stop'), 0);
  }));

test.run();
