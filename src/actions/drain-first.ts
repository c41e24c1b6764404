import type { StopParams } from '../params/for-stop.ts';
import { type Context, operationTimeout } from './context.ts';

/**
 * Has Kamailio's calls end before a stop, if parameter drain is set; without it nothing of the room drain is loaded.
 * Never throws.
 */
export async function drainFirst({ invocation, log }: Context, { drains }: StopParams): Promise<void> {
  if (!drains) return;
  const { drain } = await import('../drain/drain.ts');
  await drain(invocation, operationTimeout(invocation), log);
}
