import type { Program } from '../../cluster/testbed/enter.ts';
import { GROUP, KAMAILIO } from '../../cluster/testbed/kamailio.ts';
import type { AgentName } from '../../cluster/testbed/node.ts';
import type { Testbed } from '../../cluster/testbed/testbed.ts';
import { type Case, setGroupRole } from './cases.ts';
import { longestGap } from './gap.ts';
import { reportedStart } from './starts.ts';

/** What one run of a case came to, ms. */
export interface Measurement {
  /** Without an answer for a caller: from the last poll answered before, but not before the case began, to the first after. */
  readonly outage: number;
  /** From the beginning of the case until the cluster reported the start. */
  readonly started: number;
}

/** Seconds between two monitors of Kamailio. */
export const MONITOR_INTERVAL_S = 10;

/** The shell agent is given its time: a stop that times out and what follows. ms */
const LIMIT_MS = 300_000;
/** Service that lasts for so long counts as back. ms */
const STEADY_MS = 1000;
/** Holds the prober's lines of more than that time. A bench is long: to read all of them at each look would disturb it. */
const RECENT_CHARACTERS = 4096;

/**
 * Starts the group with `agent`, lets the case happen, and waits until callers are answered again and the cluster
 * has reported the start. `phase`, 0 to 1, is the part of the monitor's interval that passes before the case
 * happens, where that matters. Leaves the group running and the cluster idle.
 */
export async function measureCase(
  testbed: Testbed,
  prober: Program,
  { happen, prepare, repair, until, waitsForMonitor }: Case,
  agent: AgentName,
  phase: number,
): Promise<Measurement> {
  await restartWith(testbed, agent);
  await waitForService(testbed, prober);
  if (waitsForMonitor) await pass(phase * MONITOR_INTERVAL_S * 1000);
  await prepare?.(testbed);
  const node = (await testbed.runningOn(KAMAILIO)) ?? testbed.node(1);

  const since = Date.now();
  await happen(testbed, node);
  const start = await testbed.waitFor(
    () => reportedStart(testbed, until, since),
    `${until} is started`,
    LIMIT_MS,
  );
  await waitForService(testbed, prober);

  const gap = longestGap(timesOf(prober.stdout()), since);
  if (!gap) throw new Error('no poll was answered before the case began');
  await repair?.(testbed, node);
  await testbed.command(['crm_resource', '--cleanup']);
  await testbed.settle();
  return { outage: gap.to - Math.max(gap.from, since), started: start - since };
}

/** Both agents begin with a Kamailio that they have started themselves. */
async function restartWith(testbed: Testbed, agent: AgentName): Promise<void> {
  await setGroupRole(testbed, 'Stopped');
  await testbed.settle();
  await testbed.useAgent(agent);
  const since = Date.now();
  await setGroupRole(testbed, 'Started');
  await testbed.waitFor(() => reportedStart(testbed, KAMAILIO, since), `the group ${GROUP} runs`, LIMIT_MS);
  await testbed.settle();
}

export async function waitForService(testbed: Testbed, prober: Program): Promise<void> {
  const isBack = () => {
    const lines = prober.stdout().slice(-RECENT_CHARACTERS);
    const recent = timesOf(lines.slice(lines.indexOf('\n') + 1)).filter(
      (time) => time > Date.now() - STEADY_MS,
    );
    return recent.length > 0 && Date.now() - (recent.at(-1) ?? 0) < 100 && spread(recent) > 0.8 * STEADY_MS;
  };
  await testbed.waitFor(() => isBack() || undefined, 'callers are answered', LIMIT_MS);
}

/** The times that the prober has printed, one a line; the last may not be whole yet. */
export function timesOf(lines: string): number[] {
  return lines.split('\n').slice(0, -1).map(Number);
}

function spread(times: readonly number[]): number {
  return (times.at(-1) ?? 0) - (times[0] ?? 0);
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
