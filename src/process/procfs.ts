import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { errorCode, isExhaustion } from '../failure/system-error.ts';

/** A process for good: pids come round again, on a busy node in seconds. */
export interface ProcessMark {
  readonly pid: number;
  /** Clock ticks after boot (proc(5)). */
  readonly startTime: string;
}

/** What proc(5) tells of one process in /proc/PID/stat. */
export interface ProcessStat extends ProcessMark {
  /** The program's name, its first 15 characters; a process can change it. */
  readonly name: string;
  /** R running, S sleeping, D uninterruptible, T stopped, t traced, Z zombie, X dead. */
  readonly state: string;
  readonly parent: number;
  /** User and system time in clock ticks. */
  readonly cpuTicks: number;
  /** Those that have not ended, the first one counted in any case (num_threads). */
  readonly threads: number;
}

/** Reads /proc/PID/stat (proc(5)), `self` for this process; undefined when there is no such process. */
export function readStat(which: number | 'self'): ProcessStat | undefined {
  const text = readProcFile(which, 'stat');
  const pid = which === 'self' ? process.pid : which;
  if (text === undefined) return undefined;
  // The program's name stands in parentheses and may itself hold blanks and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = '?', parent = '0'] = fields;
  return {
    pid,
    name: text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')),
    state,
    parent: Number(parent),
    cpuTicks: Number(fields[11]) + Number(fields[12]),
    threads: Number(fields[17]),
    startTime: fields[19] ?? '',
  };
}

/** Whether both are one and the same process; one that is not there is no process. */
export function isSameProcess(one: ProcessMark | undefined, other: ProcessMark): boolean {
  return one?.pid === other.pid && one.startTime === other.startTime;
}

/** The words of a process's command line; undefined when there is none (gone, zombie, kernel thread). */
export function readArgv(pid: number): readonly string[] | undefined {
  const text = readProcFile(pid, 'cmdline');
  return text ? text.replace(/\0$/, '').split('\0') : undefined;
}

/** The environment that a process was started with, as NAME=VALUE; undefined when it is gone or may not be read. */
export function readEnvironment(pid: number): readonly string[] | undefined {
  return readProcFile(pid, 'environ')?.split('\0');
}

/** What a process has in its memory, a line an area (proc(5), maps); undefined when it is gone or may not be read. */
export function readMaps(pid: number): string | undefined {
  return readProcFile(pid, 'maps');
}

/**
 * The path of a process's executable. `hidden` when the kernel keeps it from this agent (ptrace(2), access
 * mode checks).
 */
export function readExecutable(pid: number): { readonly path: string } | 'gone' | 'hidden' {
  try {
    return { path: readlinkSync(`/proc/${pid}/exe`) };
  } catch (error) {
    if (isExhaustion(error)) throw error;
    return ['EACCES', 'EPERM'].includes(errorCode(error)) ? 'hidden' : 'gone';
  }
}

/** Who owns the file of a process's executable, even when its path is gone; undefined when it cannot be seen. */
export function executableOwner(pid: number): number | undefined {
  try {
    return statSync(`/proc/${pid}/exe`).uid;
  } catch {
    return undefined;
  }
}

/**
 * User and group ids of a process, effective unless said otherwise, and its depth in PID namespaces as seen from here:
 * 1 is ours, 0 means that the kernel does not say (proc(5): NSpid, since Linux 4.1).
 */
export function readStatus(
  pid: number,
): { uid: number; realUid: number; gid: number; pidNamespaces: number } | undefined {
  const text = readProcFile(pid, 'status');
  if (text === undefined) return undefined;
  const numbers = (name: string) => text.split(`\n${name}:\t`)[1]?.split('\n', 1)[0]?.split('\t') ?? [];
  return {
    uid: Number(numbers('Uid')[1]),
    realUid: Number(numbers('Uid')[0]),
    gid: Number(numbers('Gid')[1]),
    pidNamespaces: numbers('NSpid').length,
  };
}

/** How often a process has gone to sleep and come back by itself (proc(5), voluntary_ctxt_switches); 0 when it is gone. */
export function readWakes(pid: number): number {
  return Number(/^voluntary_ctxt_switches:\t(\d+)$/m.exec(readProcFile(pid, 'status') ?? '')?.[1] ?? 0);
}

/** Whether a process has waited for a child that ended: it has the page faults of such children (proc(5), cminflt). */
export function hasReaped(pid: number): boolean {
  const text = readProcFile(pid, 'stat') ?? '';
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return Number(fields[8]) > 0;
}

/** The function of the kernel in which a process sleeps (proc(5), wchan); empty if it runs, or the kernel does not say. */
export function readWaitChannel(pid: number): string {
  const text = readProcFile(pid, 'wchan') ?? '';
  return text === '0' ? '' : text;
}

/**
 * The functions of the kernel that a process is in, the innermost first, without those that every system call has
 * (proc(5), stack); empty if it is in none, or if only root may see it.
 */
export function readKernelStack(pid: number): string[] {
  const names = (readProcFile(pid, 'stack') ?? '').matchAll(/^\[<[^>]*>\] ([\w.]+)\+/gm);
  return [...names].flatMap(([, name = '']) =>
    /^(?:do_syscall|entry_SYSCALL|ret_from|el0)/.test(name) ? [] : name,
  );
}

/** All pids that /proc shows. */
export function listPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function readProcFile(pid: number | 'self', name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch (error) {
    if (isExhaustion(error)) throw error;
    // Gone between two looks, or (hidepid) not ours to see: in both cases not a process we may judge.
    return undefined;
  }
}
