import * as assert from 'uvu/assert';
import { SERVICE_ADDRESS } from '../testbed/configuration.ts';
import { GROUP, KAMAILIO, PIDFILE } from '../testbed/kamailio.ts';
import { AGENT_PATH } from '../testbed/node.ts';
import { CONFFILE, configuration, makeDeaf, setTimeoutOf, TIMEOUTS } from './configuration.ts';
import { DEAD, type Fault } from './fault.ts';
import { assertNoFailure } from './holds.ts';
import { kamailioPids, type Service } from './service.ts';

/** Faults of the cluster: its nodes, its network, its executor. */
export const CLUSTER_FAULTS: readonly Fault[] = [
  {
    broken: 'the executor kills the agent in the middle of a start',
    monitor: DEAD,
    start: { code: 1 },
    cluster: 'moves it',
    inflict: async ({ testbed, node, sh, signal, pids }) => {
      await setTimeoutOf(testbed, 'start', 5);
      await node.write(CONFFILE, configuration('fork_delay=250000\n'));
      await signal('KILL', pids);
      await sh(STOP_AGENT, `${AGENT_PATH} [s]tart`, 'pgrep -x kamailio');
      return async () => {
        await node.write(CONFFILE, configuration());
        await setTimeoutOf(testbed, 'start', TIMEOUTS.start);
      };
    },
  },
  {
    broken: 'the executor kills the agent in the middle of a stop',
    monitor: { code: 1 },
    stop: { code: 1 },
    cluster: {
      does: 'leaves it as it is, for it has no fencing device; goes on after crm_resource --cleanup',
      until: async ({ testbed }) => {
        await testbed.waitFor(async () => {
          const { resources } = await testbed.state();
          return resources.some(({ id, blocked }) => id === KAMAILIO && blocked);
        }, 'Kamailio is blocked');
      },
    },
    // Else the stop is over before the agent is found.
    prepare: ({ testbed, node }) => makeDeaf(testbed, node),
    inflict: async ({ testbed, sh, signal, main }) => {
      await setTimeoutOf(testbed, 'stop', 3);
      await signal('KILL', [main]);
      await sh(STOP_AGENT, `${AGENT_PATH} [s]top`, 'true');
      return () => setTimeoutOf(testbed, 'stop', TIMEOUTS.stop);
    },
  },
  {
    // On another node, the one that coordinates takes this one for gone, and without fencing it may start the group
    // there before it is back.
    broken: 'the executor is killed on the node that coordinates the cluster',
    monitor: { code: 0 },
    cluster: { does: 'leaves it alone, or takes this node for gone', until: untilLeftAlone },
    prepare: async ({ testbed, node }) => {
      const found = await testbed.command(['crmadmin', '--dc_lookup']);
      const controller = /^Designated Controller is: (\S+)/.exec(found)?.[1] ?? '';
      if (controller === node.name) return undefined;
      await testbed.command(['crm_resource', '--resource', GROUP, '--move', '--node', controller]);
      await testbed.settle();
      await testbed.command(['crm_resource', '--resource', GROUP, '--clear']);
      return undefined;
    },
    inflict: async ({ testbed, sh }) => {
      await sh('kill -KILL "$(pgrep -x pacemaker-execd)"');
      await testbed.waitFor(() => sh('pgrep -x pacemaker-execd'), 'there is an executor again');
      return undefined;
    },
  },
  {
    broken: 'the node dies',
    cluster: 'moves it',
    inflict: async ({ testbed, node }) => {
      await node.kill();
      return async () => {
        await node.boot();
        await testbed.untilOnline();
      };
    },
  },
  {
    broken: 'the network between the nodes is cut',
    cluster: {
      does: 'stops it on the node that is alone, and starts it on another',
      until: untilTakenOver,
    },
    registrations: 'kept',
    inflict: async ({ testbed, node }) => {
      await node.cut();
      return async () => {
        await node.heal();
        await testbed.untilOnline();
      };
    },
  },
];

/**
 * Waits until the cluster has nothing left to do. Kamailio was left alone, unless another node was elected to coordinate
 * before this one was back: that one may have started it as well, and then both are stopped, and one is started. Neither is
 * a failure of Kamailio.
 */
async function untilLeftAlone(service: Service): Promise<void> {
  const { testbed, node, main } = service;
  await testbed.settle();
  await assertNoFailure(service);
  const decisions = service.decisions();
  const isTakenForGone = decisions.some(
    (decision) => decision.startsWith('Start ') && !decision.includes(node.name),
  );
  const isSame = Number(await node.read(PIDFILE)) === main;
  assert.ok(
    isSame || isTakenForGone,
    `another main process, and the cluster decided: ${decisions.join('; ')}`,
  );
}

/** Stops the agent (SIGSTOP) once it is at work and the second command succeeds: the executor loses patience with it. */
const STOP_AGENT = `until agent=$(pgrep -f "$1") && $2 >/dev/null; do :; done
kill -STOP $agent`;

async function untilTakenOver({ testbed, node, target }: Service): Promise<void> {
  await testbed.waitFor(async () => {
    const { resources } = await testbed.state(target);
    const places = resources.filter(({ id, active }) => id === KAMAILIO && active);
    return !places.some(({ nodes }) => nodes.includes(node.name)) && (await testbed.answers());
  }, 'another node serves');
  await testbed.waitFor(
    async () => (await kamailioPids(node)).length === 0,
    'Kamailio has stopped where it is alone',
  );
  await testbed.waitFor(
    async () => (await node.mustRun(['ip', '-o', 'address', 'show', 'to', SERVICE_ADDRESS])) === '',
    'its address is gone there, too',
  );
}
