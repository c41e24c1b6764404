import { Failure } from '../failure/failure.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import type { ControlSettings } from './kamctlrc.ts';
import type { Owner } from './reusable-fifo.ts';
import { callRpc, type RpcArgument } from './rpc.ts';

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

/** A process of Kamailio as it describes it: `udp receiver child=0 sock=192.0.2.10:5060`. */
export interface KamailioProcess {
  readonly pid: number;
  readonly description: string;
}

/** Asks for Kamailio's list of its processes (RPC core.psx; over ctl's socket core.ps). Throws Failure. */
export async function askProcesses(
  settings: ControlSettings,
  owner: Owner,
  deadline: Deadline,
): Promise<readonly KamailioProcess[]> {
  if (settings.ctlSocket !== undefined) return processesOverCtl(settings.ctlSocket, deadline);
  const result = await callRpc(settings, owner, 'core.psx', [], deadline);
  const rows: readonly unknown[] = Array.isArray(result) ? result : [];
  return rows.flatMap((row) => {
    if (typeof row !== 'object' || row === null || !('PID' in row) || !('DSC' in row)) return [];
    return [{ pid: Number(row.PID), description: String(row.DSC) }];
  });
}

/** Numbers and descriptions in turn. */
async function processesOverCtl(socket: string, deadline: Deadline): Promise<readonly KamailioProcess[]> {
  const { callCtl } = await import('./ctl.ts');
  const values = await callCtl(socket, 'core.ps', [], deadline);
  return values.flatMap((pid, index) =>
    typeof pid === 'number' ? [{ pid, description: String(values[index + 1]) }] : [],
  );
}

/**
 * Asks how many calls this Kamailio has, those that ring included (RPC dlg.stats_active of module dialog). Calls that
 * only another node has, and shares over DMQ or a database, do not count (its argument 1, from Kamailio 5.6 on). The
 * FIFO for the reply stays for the next question. Throws Failure.
 */
export async function askActiveCalls(
  settings: ControlSettings,
  owner: Owner,
  deadline: Deadline,
): Promise<number> {
  const result = await call(settings, owner, 'dlg.stats_active', [1], deadline, true);
  return numberIn(result, 'all', 'dlg.stats_active');
}

/**
 * Calls a method and returns its result: over ctl's socket, whose client is loaded for it, or over the FIFO. Throws
 * Failure.
 */
export async function call(
  settings: ControlSettings,
  owner: Owner,
  method: string,
  params: readonly RpcArgument[],
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
  const value = fields[field];
  const isWritten = typeof value === 'number' || (typeof value === 'string' && value.trim() !== '');
  if (isWritten && Number.isFinite(Number(value))) return Number(value);
  throw new Failure({
    seen: `the reply to ${method} has no number "${field}"`,
    remedy: 'find out what answers for Kamailio',
  });
}
