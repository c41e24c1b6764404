import { realpathSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { listPids, type ProcessStat, readArgv, readExecutable, readStat, readStatus } from './procfs.ts';

/** What tells the processes of one Kamailio from all others on the machine. */
export interface Instance {
  readonly binary: string;
  readonly pidfile: string;
}

/**
 * Every living process of the instance; a zombie is not living. Looks through the whole process table, so
 * a healthy monitor never calls it.
 */
export function findProcesses(instance: Instance): ProcessStat[] {
  return listPids().flatMap((pid) => identify(pid, instance) ?? []);
}

/**
 * The process if it is one of the instance's, else undefined. It is when all of this holds:
 * - its command line has the word `-P` and behind it this instance's pidfile;
 * - it lives in the agent's PID namespace: a container's Kamailio may have the same path on its own disk;
 * - its program is Kamailio's, even when an upgrade has replaced the file since.
 */
export function identify(pid: number, instance: Instance): ProcessStat | undefined {
  const argv = readArgv(pid);
  if (!argv || !namesPidfile(argv, instance.pidfile)) return undefined;
  if (readStatus(pid)?.pidNamespaces !== 1) return undefined;
  if (!runsKamailio(pid, instance)) return undefined;
  const stat = readStat(pid);
  return stat && isAlive(stat) ? stat : undefined;
}

/** The process as it is now; undefined when it is gone, dead, or its pid belongs to another by now. */
export function refresh(process: ProcessStat): ProcessStat | undefined {
  const now = readStat(process.pid);
  return now && now.startTime === process.startTime && isAlive(now) ? now : undefined;
}

/** Whether a process is stopped, by SIGSTOP (T) or a debugger (t): it lives, and serves nobody. */
export function isStopped({ state }: ProcessStat): boolean {
  return state === 'T' || state === 't';
}

/** Processes as a reason names them: each pid with its state. */
export function describeProcesses(processes: readonly ProcessStat[]): string {
  return processes.map(({ pid, state }) => `${pid} (state ${state})`).join(', ');
}

/** Whether a process still runs anything: a zombie only waits to be reaped by its parent. */
export function isAlive(stat: ProcessStat): boolean {
  return stat.state !== 'Z' && stat.state !== 'X';
}

function namesPidfile(argv: readonly string[], pidfile: string): boolean {
  return argv.some((word, index) => word === '-P' && argv[index + 1] === pidfile);
}

/**
 * Whether a process runs Kamailio's program. The path of the executable decides. Where `binary` is a link
 * or a wrapper, or has moved to another version's directory, its name decides, but then the file must be
 * root's or the agent's own: any local user can call a program of his "kamailio".
 */
function runsKamailio(pid: number, { binary, pidfile }: Instance): boolean {
  const executable = readExecutable(pid);
  if (executable === 'gone') return false;
  const real = realPath(binary);
  const names = [basename(binary), basename(real), 'kamailio'];
  if (executable === 'hidden') {
    // An agent that may not trace (a container's root, an ordinary user) must not call a Kamailio "not
    // running" that it cannot see into: then the name counts, of a process of an account that may be it.
    const accounts = [0, process.geteuid?.(), ownerOf(dirname(pidfile))];
    return names.includes(readStat(pid)?.name ?? '') && accounts.includes(readStatus(pid)?.uid);
  }
  const path = executable.path.replace(/ \(deleted\)$/, '');
  if (path === binary || path === real) return true;
  return names.includes(basename(path)) && [0, process.geteuid?.()].includes(executable.owner);
}

function ownerOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.uid;
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
