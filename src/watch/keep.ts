import type { Params } from '../interface/parameters.ts';
import { Deadline } from '../lifetime/deadline.ts';
import type { Invocation } from '../ocf/invocation.ts';
import type { Log } from '../ocf/log.ts';
import { awaitLock } from '../process/lock.ts';
import { isSameProcess, type ProcessStat } from '../process/procfs.ts';
import { makeRunDirectory } from '../process/write-run-file.ts';
import { COMMIT, VERSION } from '../version.ts';
import { monotonicMs } from './clock.ts';
import { readState, removeState, type WatcherState, writeState } from './state.ts';
import { endWatcherProcess, isLiving, startWatcher } from './watcher-process.ts';

/** The cluster stops what has failed in a second or two. With on-fail=ignore it is watched again after this, ms. */
const RECOVERY_LIMIT_MS = 60_000;

/**
 * Sees to it that exactly one watcher watches this main process, with these parameters and this version of the agent.
 * Where it does already, that costs two reads. A missing one is started, and any other replaced; the log says so.
 * Never throws: a healthy Kamailio is not failed, and a start not undone, for want of a watcher.
 */
export async function keepWatcher(
  params: Params,
  invocation: Invocation,
  main: ProcessStat,
  log: Log,
  caller: 'start' | 'other',
): Promise<void> {
  try {
    const terms = termsOf(params, invocation);
    const state = readState(params.pidfile);
    const why = whyReplace(state, terms, main);
    if (why === undefined) return;
    // A stop at work has just ended the watcher, and is about to end Kamailio; a start leaves a watcher itself.
    if (caller === 'other' && (await isLocked(params.pidfile))) return;
    if (state) await endWatcherProcess(state.watcher);
    makeRunDirectory();
    const watcher = startWatcher(invocation);
    if (!watcher) {
      log.warn(`the watcher of Kamailio (pid ${main.pid}) cannot be started: no process or memory to spare`);
      return;
    }
    const { pid, startTime } = main;
    writeState(params.pidfile, { watcher, main: { pid, startTime }, terms });
    if (caller === 'other' || state)
      log.info(`a watcher of Kamailio (pid ${main.pid}) is started (pid ${watcher.pid}): ${why}`);
  } catch (error) {
    const seen = error instanceof Error ? error.message : String(error);
    log.warn(`Kamailio (pid ${main.pid}) goes on without a watcher: ${seen}`);
  }
}

/** Ends the watcher of an instance, if there is one. Never throws: a stop goes on in any case. */
export async function endWatcher(pidfile: string): Promise<void> {
  try {
    const state = readState(pidfile);
    if (!state) return;
    await endWatcherProcess(state.watcher);
    removeState(pidfile);
  } catch {
    // No descriptors are left to read the state with. The watcher sees the stop's lock, and reports nothing.
  }
}

/** All that makes one watcher different from another: the agent's version, and the parameters that it works with. */
export function termsOf(params: Params, { instance }: Invocation): string {
  const { binary, pidfile, kamuser, watch, watch_timeout } = params;
  const { listen_address, monitoring_ip, port, proto, probes, probe_user, probe_uri } = params;
  const polled = [listen_address, monitoring_ip, port, proto, probes, probe_user, probe_uri];
  const polls = watch === 'sip' ? [watch_timeout, ...polled] : [];
  return JSON.stringify([VERSION, COMMIT, instance, watch, binary, pidfile, kamuser, ...polls]);
}

function whyReplace(state: WatcherState | undefined, terms: string, main: ProcessStat): string | undefined {
  if (state && isBeingRecovered(state, main)) return undefined;
  if (!state || !isLiving(state.watcher)) return 'there was none';
  const { pid } = state.watcher;
  if (!isSameProcess(state.main, main)) return `that of an earlier Kamailio (pid ${pid}) is ended`;
  return state.terms === terms
    ? undefined
    : `one of other parameters or another version (pid ${pid}) is ended`;
}

/** The cluster knows of this main process's failure, and is about to stop it: nobody is to report that again. */
function isBeingRecovered({ main: watched, reportedMs }: WatcherState, main: ProcessStat): boolean {
  const since = reportedMs === undefined ? Number.POSITIVE_INFINITY : monotonicMs() - reportedMs;
  return since < RECOVERY_LIMIT_MS && isSameProcess(watched, main);
}

/** Whether a start or stop is at work on the instance. */
export async function isLocked(pidfile: string): Promise<boolean> {
  return (await awaitLock(pidfile, Deadline.sinceStart(0), () => {})) !== undefined;
}
