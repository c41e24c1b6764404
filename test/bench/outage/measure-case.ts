import type { Program } from '../../cluster/testbed/enter.ts';
import type { Testbed } from '../../cluster/testbed/testbed.ts';
import type { Case } from './cases.ts';
import { longestGap } from './gap.ts';
import type { Service } from './service.ts';

/** What one run of a case came to, ms. */
export interface Measurement {
  /** Without an answer for a caller: from the last poll answered before, but not before the case began, to the first after. */
  readonly outage: number;
  /** From the beginning of the case until the service was reported as taken up again. */
  readonly takenUp: number;
}

/** The shell agent is given its time: a stop that times out and what follows. ms */
const LIMIT_MS = 300_000;
/** Service that lasts for so long counts as back. ms */
const STEADY_MS = 1000;
/** Holds the prober's lines of more than that time. A bench is long: to read all of them at each look would disturb it. */
const RECENT_CHARACTERS = 4096;

/**
 * Lets a case happen to a service that runs, and waits until callers are answered again and the service was taken up.
 * `pauseS` is how long it waits before. Leaves the service as it was.
 */
export async function measureCase(
  testbed: Testbed,
  prober: Program,
  { happen, prepare }: Case,
  service: Service,
  pauseS: number,
): Promise<Measurement> {
  await waitForService(testbed, prober);
  await pass(pauseS * 1000);
  await prepare?.(service);
  const since = Date.now();
  await happen(service);
  const takenUp = await testbed.waitFor(
    () => service.takenUp(since),
    'the service is taken up again',
    LIMIT_MS,
  );
  await waitForService(testbed, prober);
  const gap = longestGap(timesOf(prober.stdout()), since);
  if (!gap) throw new Error('no poll was answered before the case began');
  await service.restore();
  return { outage: gap.to - Math.max(gap.from, since), takenUp: takenUp - since };
}

async function waitForService(testbed: Testbed, prober: Program): Promise<void> {
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
function timesOf(lines: string): number[] {
  return lines.split('\n').slice(0, -1).map(Number);
}

function spread(times: readonly number[]): number {
  return (times.at(-1) ?? 0) - (times[0] ?? 0);
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
