import { checkNode } from '../checks/node.ts';
import { checkConfiguration } from '../launch/configuration.ts';
import { type ExitCode, OCF_SUCCESS } from '../ocf/exit-code.ts';
import { readParams } from '../params/parse.ts';
import { type Context, checkLevelOf } from './context.ts';

/**
 * Checks the values, and unless OCF_CHECK_LEVEL is 0, this node and the configuration file too; changes
 * nothing. Throws Failure.
 */
export async function validateAll({ invocation, deadline }: Context): Promise<ExitCode> {
  const params = readParams(invocation);
  // Level 0 is for a tool that plans on another machine: the values alone, not what they name here.
  if (checkLevelOf(invocation) === 0) return OCF_SUCCESS;
  const account = await checkNode(params);
  checkConfiguration(params, account, deadline);
  return OCF_SUCCESS;
}
