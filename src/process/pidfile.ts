import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { errorCode, isExhaustion } from '../failure/system-error.ts';
import { oneLine } from '../text/one-line.ts';
import { findProcesses, type Instance, identify } from './instance.ts';
import { type ProcessStat, readStat } from './procfs.ts';

/** The instance's main process, or why the pidfile does not lead to it. */
export type MainProcess =
  | { readonly found: true; readonly process: ProcessStat }
  | {
      readonly found: false;
      readonly why: string;
      /** What the pidfile names instead. */
      readonly pid?: number;
    };

const PIDFILE_LIMIT_BYTES = 64;

/** Follows the pidfile to the instance's main process; looks at that one process and no other. */
export function findMain(instance: Instance): MainProcess {
  const content = readPidfile(instance.pidfile);
  if ('why' in content) return { found: false, why: content.why };
  const process = identify(content.pid, instance);
  if (process) return { found: true, process };
  return {
    found: false,
    pid: content.pid,
    why: `pidfile ${instance.pidfile} names pid ${content.pid}, which is ${describeStranger(content.pid)}`,
  };
}

/**
 * Finds the main process of an instance whose pidfile cannot be opened: the one whose parent is none of the instance.
 * After a crash of the main process there are several such, and it is not known.
 */
export function findMainByDescent(instance: Instance): MainProcess {
  const all = findProcesses(instance);
  const [process, ...others] = all.filter(({ parent }) => !all.some(({ pid }) => pid === parent));
  if (process && others.length === 0) return { found: true, process };
  return { found: false, why: `pidfile "${oneLine(instance.pidfile, 80)}" cannot be used` };
}

/**
 * Reads the pid from a pidfile. Its directory belongs to Kamailio's account, so nothing about the file is
 * taken for granted: a link is not followed, a FIFO not waited for, and only the first 64 bytes are read.
 */
function readPidfile(path: string): { readonly pid: number } | { readonly why: string } {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return { why: whyUnreadable(path, error) };
  }
  try {
    if (!fstatSync(fd).isFile()) return { why: `pidfile ${path} is no regular file` };
    const buffer = Buffer.alloc(PIDFILE_LIMIT_BYTES);
    const text = buffer.toString('latin1', 0, readSync(fd, buffer)).trim();
    if (text === '') return { why: `pidfile ${path} is empty` };
    if (!/^[1-9]\d{0,9}$/.test(text))
      return { why: `pidfile ${path} holds "${text}", which is no process id` };
    return { pid: Number(text) };
  } finally {
    closeSync(fd);
  }
}

function whyUnreadable(path: string, error: unknown): string {
  if (isExhaustion(error)) throw error;
  const code = errorCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') return `pidfile ${path} does not exist`;
  if (code === 'ELOOP') return `pidfile ${path} is a symbolic link`;
  return `pidfile ${path} cannot be read (${code})`;
}

function describeStranger(pid: number): string {
  const stat = readStat(pid);
  if (!stat) return 'gone';
  return 'ZX'.includes(stat.state) ? 'dead (nobody has reaped it yet)' : 'another program (left alone)';
}
