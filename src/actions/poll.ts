import { pollFromHere } from '../checks/health.ts';
import type { Order } from '../checks/poll-inside.ts';
import { ORDER } from '../checks/poll-inside.ts';
import { Failure } from '../failure/failure.ts';
import { type ExitCode, OCF_ERR_ARGS, OCF_SUCCESS } from '../ocf/exit-code.ts';
import { print } from '../ocf/output.ts';
import type { Context } from './context.ts';

/** Polls for an agent outside of this network namespace, and prints the report as JSON: see `pollInside`. */
export async function poll({ invocation, deadline }: Context): Promise<ExitCode> {
  const text = invocation.env[ORDER];
  if (text === undefined)
    throw new Failure({ seen: 'only the agent itself calls poll', remedy: 'call monitor' }, OCF_ERR_ARGS);
  const { params, mainPid, anyReply, limitMs }: Order = JSON.parse(text);
  print(JSON.stringify(await pollFromHere(params, mainPid, deadline.sooner(limitMs), anyReply)));
  return OCF_SUCCESS;
}
