import { now, pause } from '../lifetime/clock.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { findProcesses, type Instance, isDying, isStopped, refresh } from './instance.ts';
import { findMain } from './pidfile.ts';
import { isSameProcess, type ProcessStat, readWakes } from './procfs.ts';
import { signal } from './signal.ts';

/** How an instance was ended. */
export interface Termination {
  /** Processes there were at the beginning. */
  readonly found: number;
  /** Why SIGKILL was needed; undefined when Kamailio went by itself. */
  readonly killedBecause: string | undefined;
  /** Processes that outlived SIGKILL. */
  readonly survivors: readonly ProcessStat[];
}

/** What to end, and how patiently. */
export interface EndOptions {
  /** Ends these alone, such as what a failed start has launched; all processes of the instance if absent. */
  readonly only?: (process: ProcessStat) => boolean;
  /** The grace is an administrator's word: nothing but its end cuts it short. */
  readonly graceHolds?: boolean;
  /** Is called with those that SIGKILL is to end, right before, and waited for: what they tell is lost then. */
  readonly beforeKill?: (left: readonly ProcessStat[]) => Promise<void>;
}

/** So long nothing may move in a terminating Kamailio before it counts as hung, at least, ms. */
const STALL_MS = 3000;
/** The same as a part of the grace: one answer of a slow database may take longer than 3 s. */
const STALL_SHARE = 1 / 3;

/** Callers wait for what comes after a stop, such as the start on another node. ms */
const POLL_INTERVAL_MS = 5;
/** At first callers wait for each ms: where the main process is gone, its children end within a few. ms */
const FIRST_POLL_INTERVAL_MS = 1;
/** How long after SIGTERM the first looks are taken, ms. */
const FIRST_POLLS_MS = 100;
/** The whole process table is looked through again this often, for children forked in between, ms. */
const SEARCH_EVERY_MS = 500;

/** So often the last process must wake to have moved: more often than our own signals wake it. */
const WAKES = 10;

/** A Kamailio in which nothing has moved for this long is sent SIGTERM a second time, ms. */
const REMIND_MS = 700;
/** SIGTERM and one reminder; more would only break into the clean-up that the first one began. */
const MOST_TERMS = 2;

/** A process in state D outlives SIGKILL until its disk answers: the looks at it become rarer, to one in so many ms. */
const LOOK_AT_MOST_EVERY_MS = 100;

/**
 * Ends the processes of an instance: SIGTERM to the main process, which takes its children along and runs
 * Kamailio's own shutdown (registrations are written to the database); to all of them if the main process is gone.
 * Processes that are stopped get SIGCONT before, or they would never see it. SIGKILL goes to what is left when `grace`
 * passes; before that, unless the grace holds, when nothing has moved for a third of it (3 s at least, and 3 s if all
 * had been stopped). Returns the moment the last one is gone, or at `deadline` with the survivors.
 */
export async function terminateInstance(
  instance: Instance,
  grace: Deadline,
  deadline: Deadline,
  { only = () => true, graceHolds = false, beforeKill }: EndOptions = {},
): Promise<Termination> {
  const search = () => findProcesses(instance).filter(only);
  const processes = search();
  if (processes.length === 0) return { found: 0, killedBecause: undefined, survivors: [] };
  const stallMs = graceHolds ? undefined : Math.max(STALL_MS, grace.remaining * STALL_SHARE);
  const { left, why } = await watchThemGo(instance, processes, search, grace, stallMs);
  if (left.length === 0) return { found: processes.length, killedBecause: undefined, survivors: [] };
  await beforeKill?.(left);
  const survivors = await kill(instance, left, search, deadline);
  return { found: processes.length, killedBecause: why, survivors };
}

/** Waits until no process is left (`left` is empty), until nothing moves any more, or until `grace` has passed. */
async function watchThemGo(
  instance: Instance,
  processes: readonly ProcessStat[],
  search: () => readonly ProcessStat[],
  grace: Deadline,
  stallMs: number | undefined,
): Promise<{ left: readonly ProcessStat[]; why: string }> {
  let left = processes;
  let activity = '';
  let wakes = 0;
  let movedAt = now();
  let searchedAt = now();
  let termedAt: number | undefined;
  const terms = new Map<number, number>();
  const wereStopped = new Set<number>();
  const isFirst = () => termedAt !== undefined && now() - termedAt < FIRST_POLLS_MS;
  for (; !grace.passed; await grace.pause(isFirst() ? FIRST_POLL_INTERVAL_MS : POLL_INTERVAL_MS)) {
    left = left.flatMap((process) => refresh(process) ?? []);
    if (left.length === 0 || now() - searchedAt > SEARCH_EVERY_MS) {
      left = stillThere(left, search);
      searchedAt = now();
      if (left.length === 0) return { left, why: '' };
    }
    const activityNow = left.map(activityOf).join();
    const wakesNow = wakesOf(left);
    if (activityNow !== activity || wakesNow - wakes >= WAKES) {
      movedAt = now();
      wakes = wakesNow;
    }
    activity = activityNow;
    for (const { pid } of left.filter(isStopped)) wereStopped.add(pid);
    // An instance that was stopped as a whole (SIGSTOP, a frozen cgroup) was not at work on anything.
    const limitMs = stallMs && (left.every(({ pid }) => wereStopped.has(pid)) ? STALL_MS : stallMs);
    if (limitMs !== undefined && now() - movedAt > limitMs) {
      return { left, why: `nothing moved in it for ${Math.round(limitMs / 1000)} s after SIGTERM` };
    }
    for (const process of left) if (isStopped(process)) signal(process, 'SIGCONT', instance);
    // Kamailio's main process keeps one signal in mind: that its children go on again (SIGCHLD) makes it
    // forget a SIGTERM that comes at the same time. So SIGTERM waits until none is stopped any more, and
    // is sent once more to a Kamailio that does not heed it.
    const isDue = termedAt === undefined || now() - Math.max(movedAt, termedAt) >= REMIND_MS;
    if (!isDue || left.some(({ state }) => state === 'T')) continue;
    terminate(instance, left, terms);
    termedAt = now();
  }
  return {
    left: stillThere(left, search),
    why: 'it was still terminating when its grace (stop_grace) was over',
  };
}

/**
 * SIGTERM to the main process, or to all if that one is gone: then the last children first, for the first are those
 * that answer callers over UDP. `terms` counts how often each has been sent it.
 */
function terminate(instance: Instance, left: readonly ProcessStat[], terms: Map<number, number>): void {
  const main = findMain(instance);
  const isMain = ({ pid }: ProcessStat) => main.found && pid === main.process.pid;
  const targets = left.some(isMain) ? left.filter(isMain) : [...left].reverse();
  for (const process of targets) {
    const sent = terms.get(process.pid) ?? 0;
    if (sent >= MOST_TERMS) continue;
    signal(process, 'SIGTERM', instance);
    terms.set(process.pid, sent + 1);
  }
}

/**
 * What changes while a process works: its CPU time. A process that waits for a disk (D) works as well:
 * the disk is writing for it, so each look at it counts as movement.
 */
function activityOf(process: ProcessStat): string {
  return `${process.pid}:${process.cpuTicks}${process.state === 'D' ? `:${now()}` : ''}`;
}

/**
 * The main process, the last one, writes the registrations. Where the database is another host's it sleeps for most
 * of the time, and uses next to no CPU, but each answer wakes it. (A timer process wakes all the time, hung or not.)
 */
function wakesOf(processes: readonly ProcessStat[]): number {
  const [last, ...others] = processes;
  return last && others.length === 0 ? readWakes(last.pid) : 0;
}

async function kill(
  instance: Instance,
  processes: readonly ProcessStat[],
  search: () => readonly ProcessStat[],
  deadline: Deadline,
): Promise<readonly ProcessStat[]> {
  let left = processes;
  const killedAt = now();
  // Once at least, however late it is: a stop that ends without SIGKILL gets the node fenced.
  do {
    for (const process of left) signal(process, 'SIGKILL', instance);
    const every = Math.min(Math.max((now() - killedAt) / 4, POLL_INTERVAL_MS), LOOK_AT_MOST_EVERY_MS);
    await pause(every);
    left = stillThere(left, search);
  } while (left.length > 0 && !deadline.passed);
  return left;
}

/** What the process table shows of the instance, and those of the known ones that are dying: it shows them no more. */
function stillThere(
  known: readonly ProcessStat[],
  search: () => readonly ProcessStat[],
): readonly ProcessStat[] {
  const found = search();
  const isFound = (process: ProcessStat) => found.some((one) => isSameProcess(one, process));
  return [...found, ...known.filter((process) => !isFound(process) && isDying(process))];
}
