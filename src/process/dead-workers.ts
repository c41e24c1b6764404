import { hasReaped, type ProcessStat, readStat, readWaitChannel } from './procfs.ts';
import { readChildren } from './workers.ts';

/**
 * How many processes are left of a Kamailio whose workers have died while its main process lives on; undefined if none
 * has died. A worker that fails in its initialisation (a database that is down) can leave the main process waiting for
 * the others to end, which they never do. Nothing answers then.
 *
 * The main process has reaped children, and waits for more (proc(5), wchan: do_wait). One that serves waits for signals;
 * one that waits for a program that a module has called has a child of another name.
 */
export function processesLeft(main: ProcessStat): number | undefined {
  if (!hasReaped(main.pid) || readWaitChannel(main.pid) !== 'do_wait') return undefined;
  const children = (readChildren(main.pid) ?? []).flatMap((pid) => readStat(pid) ?? []);
  return children.every(({ name }) => name === main.name) ? children.length : undefined;
}
