import { checkNode } from '../checks/node.ts';
import { ExitCode } from '../ocf/exit-code.ts';
import { readParams } from '../params/parse.ts';
import type { Context } from './context.ts';

/**
 * Takes a change of reloadable parameters: they are checked, and the next monitor reads them. No value is
 * kept between two calls, so there is nothing else to do, and Kamailio is not touched. Throws Failure.
 */
export async function run({ invocation }: Context): Promise<ExitCode> {
  await checkNode(readParams(invocation));
  return ExitCode.success;
}
