import { now } from '../clock.ts';
import type { Deadline } from '../deadline.ts';
import { errorCode } from '../error-code.ts';
import { Failure } from '../failure.ts';
import { findProcesses, type Instance, identify, isStopped, refresh } from './instance.ts';
import { findMain } from './pidfile.ts';
import { type ProcessStat, readWakes } from './procfs.ts';

/** How an instance was ended. */
export interface Ending {
  /** Processes there were at the beginning. */
  readonly found: number;
  /** Why SIGKILL was needed; undefined when Kamailio went by itself. */
  readonly killedBecause: string | undefined;
  /** Processes that outlived SIGKILL. */
  readonly survivors: readonly ProcessStat[];
}

/** Time in which nothing may move before a terminating Kamailio counts as hung, ms. */
export const STALL_MS = 3000;

/** Callers wait for what comes after a stop, such as the start on another node. ms */
const LOOK_EVERY_MS = 5;
/** At first callers wait for each ms: where the main process is gone, its children end within a few. ms */
const LOOK_FIRST_EVERY_MS = 1;
/** How long after SIGTERM the first looks are taken, ms. */
const FIRST_LOOKS_MS = 100;
/** The whole process table is looked through again this often, for children forked in between, ms. */
const SEARCH_EVERY_MS = 500;

/** So often the last process must wake to have moved: more often than reminders alone wake it meanwhile. */
const WAKES = 10;

/** A Kamailio in which nothing has moved for this long is sent SIGTERM again, ms. */
const REMIND_MS = 700;

/**
 * Ends every process of an instance: SIGTERM to the main process, which takes its children along and runs
 * Kamailio's own shutdown (registrations are written to the database); to all of them where the main
 * process is gone. Processes that are stopped get SIGCONT before, or they would never see it. What is left
 * when `grace` passes, or when nothing has moved for 3 s, gets SIGKILL. Returns the moment the last one is
 * gone, or at `deadline` with the survivors.
 */
export async function endProcesses(instance: Instance, grace: Deadline, deadline: Deadline): Promise<Ending> {
  const processes = findProcesses(instance);
  if (processes.length === 0) return { found: 0, killedBecause: undefined, survivors: [] };
  const { left, why } = await watchThemGo(instance, processes, grace);
  if (left.length === 0) return { found: processes.length, killedBecause: undefined, survivors: [] };
  const survivors = await kill(instance, left, deadline);
  return { found: processes.length, killedBecause: why, survivors };
}

/** Waits until no process is left (`left` is empty), until nothing moves any more, or until `grace` has passed. */
async function watchThemGo(
  instance: Instance,
  processes: readonly ProcessStat[],
  grace: Deadline,
): Promise<{ left: readonly ProcessStat[]; why: string }> {
  let left = processes;
  let activity = '';
  let wakes = 0;
  let movedAt = now();
  let searchedAt = now();
  let termedAt: number | undefined;
  const isFirst = () => termedAt !== undefined && now() - termedAt < FIRST_LOOKS_MS;
  for (; !grace.passed; await grace.pause(isFirst() ? LOOK_FIRST_EVERY_MS : LOOK_EVERY_MS)) {
    left = left.flatMap((process) => refresh(process) ?? []);
    if (left.length === 0 || now() - searchedAt > SEARCH_EVERY_MS) {
      left = findProcesses(instance);
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
    if (now() - movedAt > STALL_MS) {
      return { left, why: `nothing moved in it for ${STALL_MS / 1000} s after SIGTERM` };
    }
    for (const process of left) if (isStopped(process)) signal(process, 'SIGCONT', instance);
    // Kamailio's main process keeps one signal in mind: that its children go on again (SIGCHLD) makes it
    // forget a SIGTERM that comes at the same time. So SIGTERM waits until none is stopped any more, and
    // is sent again to a Kamailio that does not heed it.
    const isDue = termedAt === undefined || now() - Math.max(movedAt, termedAt) >= REMIND_MS;
    if (!isDue || left.some(({ state }) => state === 'T')) continue;
    terminate(instance, left);
    termedAt = now();
  }
  left = findProcesses(instance);
  return { left, why: 'it was still terminating when its grace (stop_grace) was over' };
}

/**
 * SIGTERM to the main process, or to all where that one is gone: then the last children first, for the first are those
 * that answer callers over UDP.
 */
function terminate(instance: Instance, processes: readonly ProcessStat[]): void {
  const main = findMain(instance);
  for (const process of main.found ? [main.process] : [...processes].reverse())
    signal(process, 'SIGTERM', instance);
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
  deadline: Deadline,
): Promise<readonly ProcessStat[]> {
  let left = processes;
  // Once at least, however late it is: a stop that ends without SIGKILL gets the node fenced.
  do {
    for (const process of left) signal(process, 'SIGKILL', instance);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    left = findProcesses(instance);
  } while (left.length > 0 && !deadline.passed);
  return left;
}

/**
 * Signals a process of the instance. Right before, it is made sure that the pid still belongs to that
 * process and still is the instance's: pids come round again, and on a busy node they do so in seconds.
 * Throws Failure when the signal is refused, which is another account's process.
 */
function signal(target: ProcessStat, name: 'SIGTERM' | 'SIGCONT' | 'SIGKILL', instance: Instance): void {
  if (identify(target.pid, instance)?.startTime !== target.startTime) return;
  try {
    process.kill(target.pid, name);
  } catch (error) {
    if (errorCode(error) === 'EPERM') {
      throw new Failure({
        seen: `no permission to signal Kamailio's process ${target.pid} (pidfile ${instance.pidfile})`,
        remedy: "call the agent as root or as Kamailio's account",
      });
    }
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}
