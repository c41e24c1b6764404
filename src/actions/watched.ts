import { existsSync } from 'node:fs';
import type { Params } from '../interface/parameters.ts';
import { readStat } from '../process/procfs.ts';
import { RUN_DIRECTORY } from '../process/run-directory.ts';
import type { Context } from './context.ts';

/**
 * Sees to it that the main process `pid` has its watcher, if parameter watch asks for one; without it nothing of the
 * room watch is loaded. Never throws.
 */
export async function keepWatched(
  { invocation, log }: Pick<Context, 'invocation' | 'log'>,
  params: Params,
  pid: number | undefined,
  caller: 'start' | 'other',
): Promise<void> {
  if (params.watch === 'off' || pid === undefined) return;
  const main = readStat(pid);
  if (!main) return;
  const { keepWatcher } = await import('../watch/keep.ts');
  await keepWatcher(params, invocation, main, log, caller);
}

/** Ends the watcher of an instance, if this node has any at all. Never throws. */
export async function endWatched(pidfile: string): Promise<void> {
  if (!existsSync(RUN_DIRECTORY)) return;
  const { endWatcher } = await import('../watch/keep.ts');
  await endWatcher(pidfile);
}
