import type { Problem } from '../failure/failure.ts';
import { holdsDeleted } from '../process/descriptors.ts';
import { wasRemoved } from './runtime-directories.ts';

/**
 * Whether the FIFO that this instance reads was removed, and nobody else's is in its place. Kamailio goes on serving SIP,
 * but nobody can ask it anything until it is restarted.
 */
export function removedFifo(path: string, mainPid: number): Problem | undefined {
  if (!holdsDeleted(mainPid, path)) return undefined;
  return wasRemoved(`FIFO ${path} that this Kamailio reads`, path, 'fifo_name, RPCFIFOPATH');
}
