import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findTargets } from '../../src/checks/targets.ts';
import { readParams } from '../../src/params/parse.ts';
import { allTransports, processesOf } from '../health/support.ts';
import { invoke } from '../params/support.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { type InstanceOptions, type TestInstance, until } from '../support/instance.ts';
import { canHaveNetwork, withNetwork } from '../support/network.ts';
import { signalAll, stateOf } from '../support/processes.ts';

/** The first address of the node's interface, and the secondary ones that a cluster adds. */
const [PRIMARY, SERVICE] = ['192.0.2.1', '192.0.2.9'];
/** Addresses that are not on this node; it may bind them (ip_nonlocal_bind). */
const [AWAY, AWAY_TOO] = ['192.0.2.71', '192.0.2.72'];

/** Calls the agent for an instance on that node. */
type Calls = (
  action: string,
  params?: Readonly<Record<string, string>>,
  level?: string,
) => ReturnType<typeof call>;

/** Runs `body` with an instance on a node that has both addresses. */
function withService(
  options: InstanceOptions,
  body: (calls: Calls, instance: TestInstance) => Promise<void>,
): Promise<void> {
  return withNetwork([PRIMARY, SERVICE], ({ agent }) =>
    withInstance(options, (instance) => body(callsOf(instance, agent), instance)),
  );
}

function callsOf(instance: TestInstance, agent: string): Calls {
  return (action, params = {}, level = '10') =>
    call(instance, action, params, { agent, env: { OCF_CHECK_LEVEL: level } });
}

function networkTest(title: string, body: () => Promise<void>): void {
  if (canHaveNetwork) return void test(title, body);
  console.log(`skipped: ${title}: no network namespace can be made`);
  test.skip(title);
}

/** Refuses whom the stock kamailio.cfg would ban: everybody but Kamailio's own addresses. */
const ONLY_MYSELF = `if (src_ip != myself) {
    sl_send_reply("403", "Banned");
    exit;
  }
  sl_send_reply("200", "OK");`;

networkTest('a poll of a secondary address comes from that address, over UDP, TCP and TLS', () => {
  const options = allTransports(90, [SERVICE]);
  const params = { ...options.params, listen_address: SERVICE };
  return withService({ ...options, params, route: ONLY_MYSELF }, async (calls, { port }) => {
    assertCall(await calls('start'), 0);
    const probes = `udp:${SERVICE}:${port} tcp:${SERVICE}:${port} tls:${SERVICE}:${port + 1}`;
    assertCall(await calls('monitor', { probes }), 0);
    assertCall(await calls('monitor', { probes }, '20'), 0);
    assertCall(await calls('stop'), 0);
  });
});

test('a poll comes from the polled address where that is on this node, and from any other where it is not', () => {
  const probes = `udp:${AWAY}:5060 tcp:127.0.0.1:5060 tls:[::1]:5061`;
  const { targets } = findTargets(readParams(invoke({ listen_address: '127.0.0.1', probes })), undefined);
  assert.equal(
    targets.map(({ source }) => source),
    [undefined, '127.0.0.1', '::1'],
  );
});

networkTest(
  'a Kamailio on 0.0.0.0 that answers from another address of the node is healthy, and level 20 says so',
  () =>
    withService(
      {
        params: { proto: 'conf_udp', listen_address: SERVICE, probe_timeout: '2' },
        config: (port) => `listen=udp:0.0.0.0:${port}`,
      },
      async (calls, instance) => {
        assertCall(await calls('start'), 0);
        assertCall(await calls('monitor'), 0);
        const stray = new RegExp(
          `udp:${SERVICE}:${instance.port}: its answers come from ${PRIMARY}, not from`,
        );
        assertCall(await calls('monitor', {}, '20'), 190, stray, /write `listen=udp:192\.0\.2\.9:\d+`/);
        const { stdout } = await calls('diagnose');
        assert.match(stdout, /WARNING +predictions +udp:\S+: its answers come from/i);
        // On its primary address nothing is odd.
        assertCall(await calls('monitor', { monitoring_ip: PRIMARY }, '20'), 0);
        const receivers = await processesOf(instance, /^udp receiver/);
        signalAll(receivers, 'SIGSTOP');
        await until(() => receivers.every((pid) => stateOf(pid) === 'T'), 'they are stopped');
        assertCall(await calls('monitor'), 1, /no answer to OPTIONS within/);
        signalAll(receivers, 'SIGCONT');
        assertCall(await calls('stop'), 0);
      },
    ),
);

networkTest(
  'of two hot standbys on one loopback socket it is not known which one answers, and neither fails',
  () =>
    withNetwork([], ({ agent }) =>
      withInstance({ params: { proto: 'udp', listen_address: AWAY } }, (first) =>
        withInstance({ params: { proto: 'udp', listen_address: AWAY_TOO } }, async (second) => {
          const one = callsOf(first, agent);
          const other = callsOf(second, agent);
          const port = { port: String(first.port) };
          assertCall(await one('start'), 0);
          assertCall(await one('monitor'), 0);
          assertCall(await other('start', port), 0);
          const shared = /serves, but: udp:127\.0\.0\.1:\d+: also held by pid/;
          assertCall(await one('monitor'), 190, shared, new RegExp(second.pidfile));
          assertCall(await other('monitor', port), 190, shared, new RegExp(first.pidfile));
          assertCall(await other('stop', port), 0);
          assertCall(await one('monitor'), 0);
          assertCall(await one('stop'), 0);
        }),
      ),
    ),
);

test.run();
