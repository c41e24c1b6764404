import { lstatSync, realpathSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { findAccount } from './account.ts';
import {
  executableOwner,
  listPids,
  type ProcessStat,
  readArgv,
  readExecutable,
  readStat,
  readStatus,
} from './procfs.ts';

/** What tells the processes of one Kamailio from all others on the machine. */
export interface Instance {
  readonly binary: string;
  readonly pidfile: string;
  /** Account that Kamailio changes to by option -u; empty or absent: none. */
  readonly kamuser?: string;
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
 * - its account may run the instance: any local user can call Kamailio with this pidfile;
 * - its program is Kamailio's, even when an upgrade has replaced the file since.
 */
export function identify(pid: number, instance: Instance): ProcessStat | undefined {
  const argv = readArgv(pid);
  if (!argv || !namesPidfile(argv, instance.pidfile)) return undefined;
  const status = readStatus(pid);
  if (status?.pidNamespaces !== 1 || !mayRun(status.realUid, instance)) return undefined;
  if (!runsKamailio(pid, instance)) return undefined;
  const stat = readStat(pid);
  return stat && isAlive(stat) ? stat : undefined;
}

/** The pidfiles behind `-P` on the command lines of all processes of this PID namespace. */
export function livingPidfiles(): string[] {
  return listPids().flatMap((pid) => {
    const argv = readArgv(pid) ?? [];
    const pidfile = argv[argv.indexOf('-P') + 1];
    const isHere = argv.includes('-P') && readStatus(pid)?.pidNamespaces === 1;
    return isHere && pidfile !== undefined ? [pidfile] : [];
  });
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
 * Whether an account may run the instance: root, the agent's own, the owner of the pidfile (Kamailio gives it to
 * the account that kamailio.cfg has it change to) or of its directory, or kamuser. A stranger's process that
 * counted would keep a stop from ever succeeding, and a failed stop gets the node fenced.
 */
export function mayRun(uid: number, { pidfile, kamuser }: Instance): boolean {
  return (
    uid === 0 ||
    uid === process.geteuid?.() ||
    uid === ownerOf(pidfile) ||
    uid === ownerOf(dirname(pidfile)) ||
    uid === uidOf(kamuser)
  );
}

/**
 * Whether a process runs Kamailio's program. The path of the executable decides. Where `binary` is a link
 * or a wrapper, or has moved to another version's directory, its name decides, but then the file must be
 * root's or the agent's own: any local user can call a program of his "kamailio".
 */
function runsKamailio(pid: number, { binary }: Instance): boolean {
  const executable = readExecutable(pid);
  if (executable === 'gone') return false;
  const path = executable === 'hidden' ? undefined : executable.path.replace(/ \(deleted\)$/, '');
  if (path === binary) return true;
  const real = realPath(binary);
  const names = [basename(binary), basename(real), 'kamailio'];
  if (path === undefined) {
    // An agent that may not trace (a container's root, an ordinary user) must not call a Kamailio "not
    // running" that it cannot see into: then the name counts.
    return names.includes(readStat(pid)?.name ?? '');
  }
  if (path === real) return true;
  return names.includes(basename(path)) && [0, process.geteuid?.()].includes(executableOwner(pid));
}

/** The owner of what stands at a path; of a link its own, for whoever made it may point it anywhere. */
function ownerOf(path: string): number | undefined {
  try {
    return lstatSync(path).uid;
  } catch {
    return undefined;
  }
}

const knownUids = new Map<string, number | undefined>();

/** Looked up once: a stop identifies each process many times. */
function uidOf(account = ''): number | undefined {
  if (account !== '' && !knownUids.has(account)) knownUids.set(account, findAccount(account)?.uid);
  return knownUids.get(account);
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
