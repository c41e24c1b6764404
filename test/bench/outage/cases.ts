import { GROUP, KAMAILIO, PIDFILE } from '../../cluster/testbed/kamailio.ts';
import type { TestbedNode } from '../../cluster/testbed/node.ts';
import type { Testbed } from '../../cluster/testbed/testbed.ts';

/** One thing that happens to a Kamailio that serves. */
export interface Case {
  readonly name: string;
  /** The resource whose start, reported by the cluster, ends the case. */
  readonly until: string;
  /** Whether the cluster learns of it through a monitor only: then it happens at several points of the interval. */
  readonly waitsForMonitor: boolean;
  /** Brought about before the clock runs, such as a stopped group. */
  prepare?(testbed: Testbed): Promise<void>;
  /** Makes it happen on the node that Kamailio runs on. */
  happen(testbed: Testbed, node: TestbedNode): Promise<void>;
  /** Puts right what the cluster does not by itself. */
  repair?(testbed: Testbed, node: TestbedNode): Promise<void>;
}

/** The resource that is ordered after Kamailio in the group. */
export const FOLLOWER = 'follower';

export const CASES: readonly Case[] = [
  {
    name: 'planned move to another node',
    until: KAMAILIO,
    waitsForMonitor: false,
    happen: async (testbed, node) => {
      const other = testbed.nodes.find(({ name }) => name !== node.name);
      await node.mustRun(['crm_resource', '--resource', GROUP, '--move', '--node', other?.name ?? '']);
    },
    repair: async (testbed) => {
      await testbed.command(['crm_resource', '--resource', GROUP, '--clear']);
    },
  },
  {
    name: 'crash of all of Kamailio',
    until: KAMAILIO,
    waitsForMonitor: true,
    happen: async (_, node) => signal(node, 'KILL', await processesOf(node)),
  },
  {
    name: 'crash of the main process',
    until: KAMAILIO,
    waitsForMonitor: true,
    happen: async (_, node) => signal(node, 'KILL', [await mainOf(node)]),
  },
  {
    name: 'hang (SIGSTOP of all)',
    until: KAMAILIO,
    waitsForMonitor: true,
    happen: async (_, node) => signal(node, 'STOP', await processesOf(node)),
  },
  {
    name: 'death of the node',
    until: KAMAILIO,
    waitsForMonitor: false,
    happen: (_, node) => node.kill(),
    repair: (_, node) => node.boot(),
  },
  {
    name: 'start of the whole group',
    until: FOLLOWER,
    waitsForMonitor: false,
    prepare: async (testbed) => {
      await setGroupRole(testbed, 'Stopped');
      await testbed.settle();
    },
    happen: (testbed) => setGroupRole(testbed, 'Started'),
  },
];

/** Stops or starts the group. */
export async function setGroupRole(testbed: Testbed, role: 'Started' | 'Stopped'): Promise<void> {
  const value = ['--set-parameter', 'target-role', '--meta', '--parameter-value', role];
  await testbed.command(['crm_resource', '--resource', GROUP, ...value]);
}

export async function mainOf(node: TestbedNode): Promise<string> {
  return (await node.mustRun(['cat', PIDFILE])).trim();
}

/** The main process first, then its children; pids as the node has them. */
export async function processesOf(node: TestbedNode): Promise<string[]> {
  const main = await mainOf(node);
  const children = await node.mustRun(['cat', `/proc/${main}/task/${main}/children`]);
  return [main, ...children.trim().split(' ')];
}

export async function signal(
  node: TestbedNode,
  name: 'KILL' | 'STOP',
  pids: readonly string[],
): Promise<void> {
  await node.mustRun(['kill', `-${name}`, '--', ...pids]);
}
