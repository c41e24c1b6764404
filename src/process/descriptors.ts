import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { errorCode, isExhaustion } from '../failure/system-error.ts';

/** What a file is, whatever its path: device and inode (stat(2)). */
export interface FileIdentity {
  readonly dev: number;
  readonly ino: number;
}

/**
 * Whether a process has a file open. `hidden` if the kernel keeps its descriptors from this agent (proc(5):
 * PTRACE_MODE_READ), as it does for an agent that is not root.
 */
export function hasOpen(pid: number, { dev, ino }: FileIdentity): boolean | 'hidden' {
  const numbers = descriptorNumbers(pid);
  if (numbers === 'hidden') return 'hidden';
  return numbers.some((fd) => {
    const found = statOf(`/proc/${pid}/fd/${fd}`);
    return found?.ino === ino && found.dev === dev;
  });
}

/** What the descriptors of a process lead to: paths, `socket:[1234]`, `/path (deleted)`. None if they are hidden. */
export function descriptorTargets(pid: number): string[] {
  const numbers = descriptorNumbers(pid);
  return numbers === 'hidden' ? [] : numbers.map((fd) => targetOf(`/proc/${pid}/fd/${fd}`));
}

/** What one descriptor of a process leads to; empty if it has none of that number, or it is hidden. */
export function descriptorTarget(pid: number, fd: number): string {
  return targetOf(`/proc/${pid}/fd/${fd}`);
}

/** Whether a process has the file that was at a path open, though it was removed there. */
export function holdsDeleted(pid: number, path: string): boolean {
  return descriptorTargets(pid).includes(`${withoutLink(path)} (deleted)`);
}

/** The name under /run of what is written as in /var/run, a link to it since FHS 3.0: /proc shows no links. */
export function withoutLink(path: string): string {
  return path.replace(/^\/var\/run\//, '/run/');
}

/** In ascending order: Kamailio opens its FIFO and its sockets before all else. */
function descriptorNumbers(pid: number): string[] | 'hidden' {
  try {
    return readdirSync(`/proc/${pid}/fd`).sort((a, b) => Number(a) - Number(b));
  } catch (error) {
    if (isExhaustion(error)) throw error;
    return ['EACCES', 'EPERM'].includes(errorCode(error)) ? 'hidden' : [];
  }
}

function statOf(path: string): FileIdentity | undefined {
  try {
    return statSync(path);
  } catch {
    // Closed between two looks.
    return undefined;
  }
}

function targetOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
