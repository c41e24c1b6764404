import type { Deadline } from '../lifetime/deadline.ts';
import { type Instance, isStopped, refresh } from './instance.ts';
import type { ProcessStat } from './procfs.ts';
import { signal } from './signal.ts';

/** What a core may take to be written, ms. A disk that is slower than that gets the service no later back. */
const CORE_MS = 10_000;
/** Kept back for SIGKILL and the verdict, ms. */
const RESERVE_MS = 1000;
const POLL_INTERVAL_MS = 20;

/**
 * Has processes that are to be killed leave a core each (core(5)): SIGABRT, and SIGCONT to those that are stopped.
 * Returns the moment the last one is gone; SIGKILL, which the caller sends next, cuts short what takes longer than 10 s
 * or than the operation has time.
 */
export async function leaveCores(
  processes: readonly ProcessStat[],
  instance: Instance,
  deadline: Deadline,
): Promise<void> {
  for (const process of processes) {
    signal(process, 'SIGABRT', instance);
    if (isStopped(process)) signal(process, 'SIGCONT', instance);
  }
  const patience = deadline.earlier(RESERVE_MS).sooner(CORE_MS);
  for (let left = processes; left.length > 0 && !patience.passed; await patience.pause(POLL_INTERVAL_MS)) {
    left = left.flatMap((process) => refresh(process) ?? []);
  }
}
