import { SERVICE_ADDRESS } from '../bed/configuration.ts';
import { GROUP, KAMAILIO } from '../bed/kamailio.ts';
import { AGENT_PATH } from '../bed/node.ts';
import { CONFFILE, configuration, makeDeaf, setTimeoutOf, TIMEOUTS } from './configuration.ts';
import { DEAD, type Fault } from './fault.ts';
import { kamailioPids, type Service } from './service.ts';

/** Faults of the cluster: its nodes, its network, its executor. */
export const CLUSTER_FAULTS: readonly Fault[] = [
  {
    broken: 'the executor kills the agent in the middle of a start',
    monitor: DEAD,
    start: { code: 1 },
    cluster: 'moves it',
    inflict: async ({ bed, node, sh, signal, pids }) => {
      await setTimeoutOf(bed, 'start', 5);
      await node.write(CONFFILE, configuration('fork_delay=250000\n'));
      await signal('KILL', pids);
      await sh(STOP_AGENT, `${AGENT_PATH} [s]tart`, 'pgrep -x kamailio');
      return async () => {
        await node.write(CONFFILE, configuration());
        await setTimeoutOf(bed, 'start', TIMEOUTS.start);
      };
    },
  },
  {
    broken: 'the executor kills the agent in the middle of a stop',
    monitor: { code: 1 },
    stop: { code: 1 },
    cluster: {
      does: 'leaves it as it is, for it has no fencing device; goes on after crm_resource --cleanup',
      until: async ({ bed }) => {
        await bed.waitFor(async () => {
          const { resources } = await bed.state();
          return resources.some(({ id, blocked }) => id === KAMAILIO && blocked);
        }, 'Kamailio is blocked');
      },
    },
    // Else the stop is over before the agent is found.
    prepare: ({ bed, node }) => makeDeaf(bed, node),
    inflict: async ({ bed, sh, signal, main }) => {
      await setTimeoutOf(bed, 'stop', 3);
      await signal('KILL', [main]);
      await sh(STOP_AGENT, `${AGENT_PATH} [s]top`, 'true');
      return () => setTimeoutOf(bed, 'stop', TIMEOUTS.stop);
    },
  },
  {
    // On another node, the one that coordinates takes this one for gone, and without fencing it may start the group
    // there before it is back.
    broken: 'the executor is killed on the node that coordinates the cluster',
    monitor: { code: 0 },
    cluster: 'leaves it alone',
    prepare: async ({ bed, node }) => {
      const found = await bed.command(['crmadmin', '--dc_lookup']);
      const controller = /^Designated Controller is: (\S+)/.exec(found)?.[1] ?? '';
      if (controller === node.name) return undefined;
      await bed.command(['crm_resource', '--resource', GROUP, '--move', '--node', controller]);
      await bed.settle();
      await bed.command(['crm_resource', '--resource', GROUP, '--clear']);
      return undefined;
    },
    inflict: async ({ bed, sh }) => {
      await sh('kill -KILL "$(pgrep -x pacemaker-execd)"');
      await bed.waitFor(() => sh('pgrep -x pacemaker-execd'), 'there is an executor again');
      return undefined;
    },
  },
  {
    broken: 'the node dies',
    cluster: 'moves it',
    inflict: async ({ bed, node }) => {
      await node.kill();
      return async () => {
        await node.boot();
        await bed.untilOnline();
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
    inflict: async ({ bed, node }) => {
      await node.cut();
      return async () => {
        await node.heal();
        await bed.untilOnline();
      };
    },
  },
];

/** Stops the agent (SIGSTOP) once it is at work and the second command succeeds: the executor loses patience with it. */
const STOP_AGENT = `until agent=$(pgrep -f "$1") && $2 >/dev/null; do :; done
kill -STOP $agent`;

async function untilTakenOver({ bed, node, target }: Service): Promise<void> {
  await bed.waitFor(async () => {
    const { resources } = await bed.state(target);
    const places = resources.filter(({ id, active }) => id === KAMAILIO && active);
    return !places.some(({ nodes }) => nodes.includes(node.name)) && (await bed.answers());
  }, 'another node serves');
  await bed.waitFor(
    async () => (await kamailioPids(node)).length === 0,
    'Kamailio has stopped where it is alone',
  );
  await bed.waitFor(
    async () => (await node.mustRun(['ip', '-o', 'address', 'show', 'to', SERVICE_ADDRESS])) === '',
    'its address is gone there, too',
  );
}
