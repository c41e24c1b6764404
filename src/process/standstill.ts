import { now } from '../lifetime/clock.ts';
import { type ProcessStat, readKernelStack, readWaitChannel } from './procfs.ts';

/** Processes that are looked at, and what all the looks together may take, ms: a verdict waits for them. */
const MOST_PROCESSES = 200;
const LIMIT_MS = 300;
/** Lines, pids in a line, functions of a stack: what a person reads the next morning. */
const MOST_LINES = 8;
const MOST_PIDS = 8;
const MOST_FUNCTIONS = 8;

/** Those that wait for a disk or are stopped first, then those that may spin around a lock. */
const STATES = 'DTtRS';

/**
 * Where the processes of a Kamailio stand that hangs, a line for those that stand at the same place: state, function of
 * the kernel in which they sleep, and above it the kernel's stack if the caller may see it (proc(5): stat, wchan, stack;
 * root). A restart or a SIGKILL destroys it, and it is what tells a lock from a disk or a database. Bounded in time and
 * size. Never throws but for exhaustion.
 */
export function standstill(processes: readonly ProcessStat[]): string[] {
  const places = new Map<string, ProcessStat[]>();
  const startedAt = now();
  let looked = 0;
  for (const process of processes.slice(0, MOST_PROCESSES)) {
    if (now() - startedAt > LIMIT_MS) break;
    const place = placeOf(process);
    places.set(place, [...(places.get(place) ?? []), process]);
    looked += 1;
  }
  const lines = [...places]
    .sort(([, [one]], [, [other]]) => rank(one) - rank(other))
    .map(([place, there]) => `${pidList(there)}: ${place}`);
  const left = processes.length - looked;
  return [
    ...lines.slice(0, MOST_LINES),
    ...(lines.length > MOST_LINES ? [`${lines.length - MOST_LINES} more places`] : []),
    ...(left > 0 ? [`${left} more processes were not looked at`] : []),
  ];
}

/** `state S in futex_wait_queue (futex_wait_queue < __futex_wait < do_futex)` */
function placeOf({ pid, state }: ProcessStat): string {
  const channel = readWaitChannel(pid);
  const stack = readKernelStack(pid).slice(0, MOST_FUNCTIONS);
  return `state ${state}${channel ? ` in ${channel}` : ''}${stack.length > 0 ? ` (${stack.join(' < ')})` : ''}`;
}

function rank(process: ProcessStat | undefined): number {
  const at = STATES.indexOf(process?.state ?? '?');
  return at < 0 ? STATES.length : at;
}

function pidList(processes: readonly ProcessStat[]): string {
  const pids = processes.slice(0, MOST_PIDS).map(({ pid }) => pid);
  return `pid ${pids.join(', ')}${processes.length > pids.length ? ` and ${processes.length - pids.length} more` : ''}`;
}
