import type { Deadline } from '../lifetime/deadline.ts';
import { refresh } from './instance.ts';
import type { ProcessStat } from './procfs.ts';

/**
 * A process must be stopped (T) for this long before it counts as stopped, ms: gcore, a debugger that attaches and
 * job control stop one for a moment.
 */
export const STOPPED_MS = 2000;

const POLL_INTERVAL_MS = 100;

/**
 * Those of the processes that are in a state (proc(5)) and stay in it for `ms`, or until the deadline. Returns at once
 * if none is in it.
 */
export async function stayingIn(
  state: 'T' | 'D',
  processes: readonly ProcessStat[],
  ms: number,
  deadline: Deadline,
): Promise<readonly ProcessStat[]> {
  const patience = deadline.sooner(ms);
  let left = processes.filter((process) => process.state === state);
  while (left.length > 0 && !patience.passed) {
    await patience.pause(POLL_INTERVAL_MS);
    left = left.flatMap((process) => refresh(process) ?? []).filter((process) => process.state === state);
  }
  return left;
}
