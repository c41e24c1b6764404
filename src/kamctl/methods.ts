import { Failure } from '../failure/failure.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import type { ControlSettings } from './kamctlrc.ts';
import type { Owner } from './reusable-fifo.ts';
import { callRpc } from './rpc.ts';

/** Asks for Kamailio's up-time (RPC core.uptime), in s; see `callRpc` for `leavesSpare`. Throws Failure. */
export async function askUptime(
  settings: ControlSettings,
  owner: Owner,
  deadline: Deadline,
  leavesSpare = false,
): Promise<number> {
  const result = await call(settings, owner, 'core.uptime', [], deadline, leavesSpare);
  return numberIn(result, 'uptime', 'core.uptime');
}

/** Shared memory, KiB. */
export interface SharedMemory {
  /** Not positive if Kamailio cannot write such a number: its counter has 32 bits. */
  readonly total: number;
  /** What is in use, the allocator's own overhead included. */
  readonly used: number;
}

/**
 * Asks for Kamailio's shared memory (RPC core.shmmem) in KiB: in bytes its numbers, of 32 bits up to Kamailio 5.6,
 * are negative from 2 GiB on. Throws Failure.
 */
export async function askSharedMemory(
  settings: ControlSettings,
  owner: Owner,
  deadline: Deadline,
): Promise<SharedMemory> {
  const result = await call(settings, owner, 'core.shmmem', ['k'], deadline);
  return {
    total: numberIn(result, 'total', 'core.shmmem'),
    used: numberIn(result, 'real_used', 'core.shmmem'),
  };
}

/** Over ctl's socket, whose client is loaded for it, or over the FIFO. */
async function call(
  settings: ControlSettings,
  owner: Owner,
  method: string,
  params: readonly string[],
  deadline: Deadline,
  leavesSpare = false,
): Promise<unknown> {
  if (settings.ctlSocket === undefined)
    return callRpc(settings, owner, method, params, deadline, leavesSpare);
  const { callCtl } = await import('./ctl.ts');
  const [result] = await callCtl(settings.ctlSocket, method, params, deadline);
  return result;
}

function numberIn(result: unknown, field: string, method: string): number {
  const fields: Readonly<Record<string, unknown>> =
    typeof result === 'object' && result !== null ? { ...result } : {};
  const value = Number(fields[field]);
  if (fields[field] !== undefined && Number.isFinite(value)) return value;
  throw new Failure({
    seen: `the reply to ${method} has no number "${field}"`,
    remedy: 'find out what answers for Kamailio',
  });
}
