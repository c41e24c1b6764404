import type { Testbed } from './testbed.ts';

/** How long the nodes may take until all are online: a loaded machine with two cores needs its time. ms */
const ONLINE_MS = 180_000;

/**
 * Whether the cluster has nothing left to do: the scheduler, asked about the CIB as it is, plans no action, and
 * the coordinator carries none out. (`crm_resource --wait` says the same, but looks only every 2 s.)
 */
export async function isIdle(testbed: Testbed): Promise<boolean> {
  // First what costs least and mostly says no; the scheduler is the dearest.
  if (!(await isCoordinatorIdle(testbed))) return false;
  const plan = await testbed.command(['crm_simulate', '--live-check', '--simulate']);
  if (/^ +\* Resource action:/m.test(plan)) return false;
  // What was begun meanwhile is no longer planned.
  return isCoordinatorIdle(testbed);
}

async function isCoordinatorIdle(testbed: Testbed): Promise<boolean> {
  const { coordinator } = await testbed.state();
  if (coordinator === undefined) return false;
  // Pacemaker 2.1 prints the state alone, 2.0 a sentence around it.
  return /\bS_IDLE\b/.test(await testbed.command(['crmadmin', '--quiet', '--status', coordinator]));
}

/** Waits until every node is online, and the cluster has a coordinator and nothing to do. */
export async function untilOnline(testbed: Testbed): Promise<void> {
  await testbed.waitFor(
    async () => {
      const { coordinator, hasQuorum, nodes } = await testbed.state();
      const online = nodes.filter((node) => node.online && !node.pending);
      return coordinator !== undefined && hasQuorum && online.length === testbed.nodes.length;
    },
    'all nodes are online',
    ONLINE_MS,
  );
  await testbed.settle();
}
