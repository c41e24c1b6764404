import type { ProcessMark } from '../process/procfs.ts';
import { readRunFile } from '../process/read-run-file.ts';
import { runFile } from '../process/run-directory.ts';
import { removeRunFiles, writeRunFile } from '../process/write-run-file.ts';

/** What is written down about the watcher of an instance. */
export interface WatcherState {
  readonly watcher: ProcessMark;
  /** Kamailio's main process that it watches. */
  readonly main: ProcessMark;
  /** Version and parameters it was started with, see `termsOf`. */
  readonly terms: string;
  /** When the cluster accepted its report of a failure of this main process, ms on the clock of `monotonicMs`. */
  readonly reportedMs?: number;
}

/**
 * The state of the instance's watcher; undefined if there is none, or if anybody but root (the agent's account) could
 * have written it: such a file is neither trusted nor followed to a process. Says nothing about whether it lives.
 */
export function readState(pidfile: string): WatcherState | undefined {
  const lines = readRunFile(runFile(pidfile, 'watcher'))?.split('\n') ?? [];
  const [pid = '', startTime = '', mainPid = '', mainStartTime = '', path, terms, reported = ''] = lines;
  // Two pidfiles may come to one name.
  if (path !== pidfile || terms === undefined || !/^[1-9]\d{0,9}$/.test(pid)) return undefined;
  return {
    watcher: { pid: Number(pid), startTime },
    main: { pid: Number(mainPid), startTime: mainStartTime },
    terms,
    ...(reported !== '' && { reportedMs: Number(reported) }),
  };
}

/** Writes the state. Throws Failure if its directory is not the agent's own, and the system's error. */
export function writeState(pidfile: string, { watcher, main, terms, reportedMs }: WatcherState): void {
  const marks = [watcher.pid, watcher.startTime, main.pid, main.startTime];
  const lines = [...marks, pidfile, terms, reportedMs ?? '', ''];
  writeRunFile(runFile(pidfile, 'watcher'), lines.join('\n'), 0o600);
}

/** Removes the state, and what the watcher wrote about its polls. Never throws. */
export function removeState(pidfile: string): void {
  removeRunFiles(runFile(pidfile, 'watcher'), runFile(pidfile, 'polls'));
}

/** Removes what the watcher wrote about its polls. Never throws. */
export function removePolls(pidfile: string): void {
  removeRunFiles(runFile(pidfile, 'polls'));
}

/** What the watcher wrote about its polls, under the same rules as the state; undefined if there is nothing. */
export function readPolls(pidfile: string): string | undefined {
  return readRunFile(runFile(pidfile, 'polls'));
}

/** Writes down how the polls go, for a diagnosis. Never throws: a full /run must not end a watcher. */
export function writePolls(pidfile: string, text: string): void {
  try {
    writeRunFile(runFile(pidfile, 'polls'), text, 0o600);
  } catch {
    // The next poll writes anew.
  }
}
