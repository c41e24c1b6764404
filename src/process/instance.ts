import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { findAccount } from './account.ts';
import {
  isSameProcess,
  listPids,
  type ProcessMark,
  type ProcessStat,
  readArgv,
  readExecutable,
  readStat,
  readStatus,
} from './procfs.ts';
import { recognizer } from './program.ts';
import { rememberedUid } from './remembered-account.ts';
import { rootSockets, socketInodes } from './sockets.ts';

/** What tells the processes of one Kamailio from all others on the machine. */
export interface Instance {
  readonly binary: string;
  readonly pidfile: string;
  /** Account that Kamailio changes to by option -u; empty or absent: none. */
  readonly kamuser?: string;
  /** Port that Kamailio listens on; undefined: not known. */
  readonly port?: number | undefined;
}

/**
 * Every living process of the instance; a zombie is not living. Looks through the whole process table, so
 * a healthy monitor never calls it.
 */
export function findProcesses(instance: Instance): ProcessStat[] {
  const search = searchFor(instance);
  return listPids().flatMap((pid) => identify(pid, instance, search) ?? []);
}

/**
 * The process if it is one of the instance's, else undefined. It is when all of this holds:
 * - its program is Kamailio's, even when an upgrade has replaced the file since;
 * - it lives in the agent's PID namespace: a container's Kamailio may have the same path on its own disk;
 * - its account may run the instance: any local user can call Kamailio with this pidfile;
 * - its command line has the word `-P` and behind it this instance's pidfile.
 * The command line comes last. It is read out of the process's own memory, and hangs with a process that hangs in a
 * page fault (a network file system that does not answer): no other program on the node, and no stranger, may hold up
 * a monitor by that. Callers that look at many processes pass one `search` for all of them.
 */
export function identify(
  pid: number,
  instance: Instance,
  search: Search = searchFor(instance),
): ProcessStat | undefined {
  if (!isKamailio(pid, search, (uid) => mayRun(uid, instance, search))) return undefined;
  if (!namesPidfile(pid, instance.pidfile)) return undefined;
  const stat = readStat(pid);
  return stat && isAlive(stat) ? stat : undefined;
}

/** The pidfiles behind `-P` on the command lines of all processes of this PID namespace that run a Kamailio. */
export function livingPidfiles(binary: string): string[] {
  const search = searchFor({ binary });
  return listPids().flatMap((pid) => {
    const argv = isKamailio(pid, search, () => true) ? (readArgv(pid) ?? []) : [];
    const pidfile = argv[argv.indexOf('-P') + 1];
    return argv.includes('-P') && pidfile !== undefined ? [pidfile] : [];
  });
}

/** The process as it is now; undefined when it is gone, dead, or its pid belongs to another by now. */
export function refresh(process: ProcessMark): ProcessStat | undefined {
  const now = readStat(process.pid);
  return now && isSameProcess(now, process) && isAlive(now) ? now : undefined;
}

/** Whether a process is stopped, by SIGSTOP (T) or a debugger (t): it sees no signal until it goes on. */
export function isStopped({ state }: ProcessStat): boolean {
  return state === 'T' || state === 't';
}

/** Processes as a reason names them: each pid with its state. */
export function describeProcesses(processes: readonly ProcessStat[]): string {
  return processes.map(({ pid, state }) => `${pid} (state ${state})`).join(', ');
}

/**
 * Whether a process still runs anything. A zombie only waits to be reaped by its parent, unless it has more threads: the
 * first may end before the others, and the sockets stay open until the last has ended (Kamailio 6.1 receives in threads).
 */
function isAlive({ state, threads }: ProcessStat): boolean {
  return state === 'Z' ? threads > 1 : state !== 'X';
}

/**
 * Whether a process of the instance is at its end. The kernel first takes its memory, and with it all by which it is
 * recognised; its sockets are open until its last thread has ended. One that runs another program by now is not at its
 * end, and no longer the instance's.
 */
export function isDying(process: ProcessMark): boolean {
  return readExecutable(process.pid) === 'gone' && refresh(process) !== undefined;
}

/** What is looked up once for many processes. */
export interface Search {
  readonly runsKamailio: (pid: number) => boolean;
  /** Whether root has started the instance as an account: see `isRootsDoing`. */
  readonly byRoot: Map<number, boolean>;
}

function searchFor({ binary }: Pick<Instance, 'binary'>): Search {
  return { runsKamailio: recognizer(binary), byRoot: new Map() };
}

/** What can be seen of a process without its memory. A kernel that tells nothing of namespaces (NSpid) has only ours. */
function isKamailio(pid: number, search: Search, isAccount: (uid: number) => boolean): boolean {
  if (!search.runsKamailio(pid)) return false;
  const status = readStatus(pid);
  return status !== undefined && status.pidNamespaces <= 1 && isAccount(status.realUid);
}

function namesPidfile(pid: number, pidfile: string): boolean {
  const argv = readArgv(pid) ?? [];
  return argv.some((word, index) => word === '-P' && argv[index + 1] === pidfile);
}

/**
 * Whether an account may run the instance: root, the agent's own, kamuser, the owner of the pidfile (Kamailio gives it
 * to the account that kamailio.cfg has it change to) or of its directory, the account that a start has seen it run as,
 * or one as which root has started it. A stranger's process that counted would keep a stop from ever succeeding, and
 * a failed stop gets the node fenced; it would also have a node on which nothing runs report a failed Kamailio.
 */
function mayRun(uid: number, instance: Instance, search: Search): boolean {
  return isKnownAccount(uid, instance) || isRootsDoing(uid, instance, search);
}

/**
 * Whether an account is one of those by which an instance is known without a look at its processes. kamuser comes last:
 * it may be a directory service's, which takes a process to ask and may be away.
 */
export function isKnownAccount(uid: number, instance: Instance): boolean {
  const { pidfile } = instance;
  return (
    uid === ownerOf(pidfile) ||
    uid === ownerOf(dirname(pidfile)) ||
    uid === rememberedUid(pidfile) ||
    isTold(uid, instance)
  );
}

/** Whether the agent has been told of an account: root, its own, or kamuser. */
export function isTold(uid: number, { kamuser }: Pick<Instance, 'kamuser'>): boolean {
  return uid === 0 || uid === process.geteuid?.() || uid === uidOf(kamuser);
}

/**
 * Whether root has started the instance as an account that nobody has told the agent: by hand, or by the shell agent,
 * with `user=` in kamailio.cfg, and the pidfile is gone. Any local user can run the real Kamailio with this pidfile
 * in its arguments. But Kamailio opens its sockets before it changes its account: there is a process of that account
 * that holds a socket which root opened, on the instance's port. An ordinary user's processes have sockets of
 * their own only, and those of other services (a web server drops root, too) are on other ports. The kernel shows the
 * opener of a socket in /proc/net (proc(5)).
 */
function isRootsDoing(uid: number, instance: Instance, search: Search): boolean {
  const proven = search.byRoot.get(uid) ?? holdsRootSocket(uid, instance, search);
  search.byRoot.set(uid, proven);
  // Of a Kamailio that listens on TCP alone, one process holds the socket, and that one may go before the others.
  if (proven) provenAccounts.add(`${uid} ${instance.pidfile}`);
  return proven || provenAccounts.has(`${uid} ${instance.pidfile}`);
}

const provenAccounts = new Set<string>();

function holdsRootSocket(uid: number, { pidfile, port }: Instance, search: Search): boolean {
  const sockets = rootSockets(port);
  if (sockets.size === 0) return false;
  return listPids().some(
    (pid) =>
      isKamailio(pid, search, (other) => other === uid) &&
      socketInodes(pid).some((inode) => sockets.has(inode)) &&
      namesPidfile(pid, pidfile),
  );
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
