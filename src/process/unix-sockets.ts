import { readFileSync } from 'node:fs';
import { errorCode } from '../failure/system-error.ts';
import { descriptorTargets, withoutLink } from './descriptors.ts';
import { findProcesses, type Instance } from './instance.ts';

/** __SO_ACCEPTCON of the kernel: the socket listens. */
const LISTENS = 0x10000;

/**
 * The paths that listening unix sockets of processes were bound to, whether they are still there or were removed: the
 * kernel keeps the name (proc(5), /proc/net/unix). The processes are of one network namespace.
 */
export function listeningPaths(pids: readonly number[]): readonly string[] {
  const targets = new Set(pids.flatMap(descriptorTargets));
  return unixTable(pids[0]).flatMap((line) => {
    // Num: RefCount Protocol Flags Type St Inode Path
    const [, , , flags = '0', , , inode = '', ...name] = line.trim().split(/ +/);
    const isListening = (Number.parseInt(flags, 16) & LISTENS) !== 0;
    return isListening && name.length > 0 && targets.has(`socket:[${inode}]`) ? [name.join(' ')] : [];
  });
}

/** Whether a process of the instance listens on a unix socket that was bound to `path`. */
export function listensOn(path: string, instance: Instance): boolean {
  const pids = findProcesses(instance).map(({ pid }) => pid);
  return listeningPaths(pids).some((name) => withoutLink(name) === withoutLink(path));
}

function unixTable(pid: number | undefined): string[] {
  if (pid === undefined) return [];
  try {
    return readFileSync(`/proc/${pid}/net/unix`, 'utf8').split('\n').slice(1);
  } catch (error) {
    // The process has ended since.
    if (['ENOENT', 'ESRCH', 'EINVAL'].includes(errorCode(error))) return [];
    throw error;
  }
}
