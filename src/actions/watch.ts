import type { ExitCode } from '../ocf/exit-code.ts';
import type { Context } from './context.ts';

/** Is the watcher of an instance until it has reported a failure, or is ended by a stop: see the room watch. */
export async function watch({ invocation, log }: Context): Promise<ExitCode> {
  const { beWatcher } = await import('../watch/watcher.ts');
  return beWatcher(invocation, log);
}
