import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../failure/failure.ts';
import { errorCode, isExhaustion } from '../failure/system-error.ts';
import { lockAddress } from '../process/lock.ts';
import type { ProcessMark } from '../process/procfs.ts';
import { RUN_DIRECTORY } from '../process/run-directory.ts';

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

/** No state is larger; a probe list is the longest part, bytes. */
const LIMIT_BYTES = 65_536;
/** So much of the pidfile's path is in the file's name, for a person. */
const READABLE_LENGTH = 100;

/**
 * The state of the instance's watcher; undefined if there is none, or if anybody but root (the agent's account) could
 * have written it: such a file is neither trusted nor followed to a process. Says nothing about whether it lives.
 */
export function readState(pidfile: string): WatcherState | undefined {
  const text = readOwn(statePath(pidfile));
  const lines = text?.split('\n') ?? [];
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

/** Makes the directory of the states if it is missing. Throws Failure if it could be somebody else's, or is a link. */
export function makeStateDirectory(): void {
  try {
    mkdirSync(RUN_DIRECTORY, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') {
      if (isExhaustion(error)) throw error;
      throw new Failure({
        seen: `cannot make the directory ${RUN_DIRECTORY} (${errorCode(error)})`,
        remedy: 'a watcher needs root and room in /run',
      });
    }
  }
  if (!isOwnDirectory())
    throw new Failure({
      seen: `${RUN_DIRECTORY} is not a directory that only root can write to`,
      remedy: 'remove it; the agent makes it anew',
    });
}

/** Writes the state in one step: of two that are written at once, one is whole and counts. Throws the system's error. */
export function writeState(pidfile: string, { watcher, main, terms, reportedMs }: WatcherState): void {
  const marks = [watcher.pid, watcher.startTime, main.pid, main.startTime];
  const lines = [...marks, pidfile, terms, reportedMs ?? '', ''];
  writeOwn(statePath(pidfile), lines.join('\n'));
}

/** Removes the state, what the watcher wrote about its polls, and the directory if nothing else is in it. Never throws. */
export function removeState(pidfile: string): void {
  quietly(() => unlinkSync(statePath(pidfile)));
  removePolls(pidfile);
  quietly(() => rmdirSync(RUN_DIRECTORY));
}

/** Removes what the watcher wrote about its polls. Never throws. */
export function removePolls(pidfile: string): void {
  quietly(() => unlinkSync(pollsPath(pidfile)));
}

/** What the watcher wrote about its polls, under the same rules as the state; undefined if there is nothing. */
export function readPolls(pidfile: string): string | undefined {
  return readOwn(pollsPath(pidfile));
}

/** Writes down how the polls go, for a diagnosis. Never throws: a full /run must not end a watcher. */
export function writePolls(pidfile: string, text: string): void {
  quietly(() => writeOwn(pollsPath(pidfile), text));
}

/** Where the state of an instance's watcher is. */
export function statePath(pidfile: string): string {
  const readable = pidfile.replaceAll(/[^\dA-Za-z]+/g, '_').slice(-READABLE_LENGTH);
  return join(RUN_DIRECTORY, `${readable}-${lockAddress(pidfile).address}`);
}

function pollsPath(pidfile: string): string {
  return `${statePath(pidfile)}.polls`;
}

function isOwnDirectory(): boolean {
  const found = lstatSync(RUN_DIRECTORY, { throwIfNoEntry: false });
  return found?.isDirectory() === true && found.uid === process.geteuid?.() && (found.mode & 0o022) === 0;
}

/** Text of a file that only the agent's account can have written; a link is not followed, a FIFO not waited for. */
function readOwn(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isExhaustion(error)) throw error;
    return undefined;
  }
  try {
    const found = fstatSync(fd);
    const isOwn = found.isFile() && found.uid === process.geteuid?.() && (found.mode & 0o022) === 0;
    if (!isOwn || found.size > LIMIT_BYTES || !isOwnDirectory()) return undefined;
    const buffer = Buffer.alloc(found.size);
    return buffer.toString('utf8', 0, readSync(fd, buffer));
  } finally {
    closeSync(fd);
  }
}

function writeOwn(path: string, text: string): void {
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, text, { mode: 0o600, flag: 'wx' });
  try {
    renameSync(unfinished, path);
  } catch (error) {
    quietly(() => unlinkSync(unfinished));
    throw error;
  }
}

function quietly(act: () => void): void {
  try {
    act();
  } catch {
    // Not there, or not empty.
  }
}
