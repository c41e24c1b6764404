import { readlinkSync } from 'node:fs';
import { isExhaustion } from '../failure/system-error.ts';
import type { Whose } from './sockets.ts';

/**
 * The network namespace of a process, as a path that can be entered (network_namespaces(7), `ip netns exec`); undefined
 * if it is the agent's own, or may not be seen (not root), or there is no such process.
 */
export function otherNamespace(pid: number | undefined): string | undefined {
  if (pid === undefined) return undefined;
  const path = `/proc/${pid}/ns/net`;
  try {
    return readlinkSync(path) === readlinkSync('/proc/self/ns/net') ? undefined : path;
  } catch (error) {
    if (isExhaustion(error)) throw error;
    return undefined;
  }
}

/** Whose socket tables are those of a process: its own if it is in another namespace than the agent. */
export function tablesOf(pid: number | undefined): Whose {
  return pid !== undefined && otherNamespace(pid) !== undefined ? pid : 'self';
}
