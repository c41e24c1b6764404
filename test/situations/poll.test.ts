import { test } from 'uvu';
import { assertCall, call, withInstance } from '../support/calls.ts';
import type { InstanceOptions, TestInstance } from '../support/instance.ts';

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

test('control characters of a reply do not reach the log', () =>
  withInstance({ route: answerOthers('sl_send_reply("480", "\x1b[31mred");') }, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    assertCall(await call(instance, 'monitor', { probe_user: 'other' }), 1, /with 480 \?\[31mred; /);
    assertCall(await call(instance, 'stop'), 0);
  }));

test.run();
