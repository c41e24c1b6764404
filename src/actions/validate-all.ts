import { ExitCode } from '../ocf/exit-code.ts';
import { readParams } from '../params/parse.ts';
import { checkConfiguration } from './configuration-check.ts';
import type { Context } from './context.ts';
import { checkNode } from './node-check.ts';

/** Checks the values, then this node, then the configuration file; changes nothing. Throws Failure. */
export async function run({ invocation, deadline }: Context): Promise<ExitCode> {
  const params = await readParams(invocation);
  await checkNode(params);
  checkConfiguration(params, deadline);
  return ExitCode.success;
}
