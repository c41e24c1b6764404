import { readFileSync } from 'node:fs';
import { isExhaustion } from '../failure/system-error.ts';
import { decodeAddress, socketInodes } from './sockets.ts';

const DOMAIN_PORT = ':0035';

/**
 * The name servers that a process waits for at this moment: the C library's resolver connects a UDP socket to each that
 * it asks, and closes it with the answer (proc(5), /proc/PID/net/udp, rem_address). Empty if there are none.
 */
export function awaitedNameServers(pid: number): string[] {
  const own = new Set(socketInodes(pid));
  if (own.size === 0) return [];
  return ['udp', 'udp6'].flatMap((table) =>
    readLines(`/proc/${pid}/net/${table}`).flatMap((line) => {
      const fields = line.trim().split(/\s+/);
      const [remote = '', inode = ''] = [fields[2], fields[9]];
      return remote.endsWith(DOMAIN_PORT) && own.has(inode)
        ? [decodeAddress(remote.slice(0, -DOMAIN_PORT.length))]
        : [];
    }),
  );
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').slice(1);
  } catch (error) {
    if (isExhaustion(error)) throw error;
    // The process has just ended, or the kernel has no IPv6.
    return [];
  }
}
