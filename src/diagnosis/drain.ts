import { callControl, countCalls, NO_CONTROL } from '../drain/calls-left.ts';
import { Failure } from '../failure/failure.ts';
import type { Params } from '../interface/parameters.ts';
import { describeCall, type RpcCall } from '../interface/rpc-call.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import type { MainProcess } from '../process/pidfile.ts';
import { ok, type Result, skipped, warning } from './finding.ts';

/**
 * How many calls Kamailio has, and whether a stop could drain it: parameter drain names a method that Kamailio has. To
 * be called when the control plane answers. A monitor asks for none of it, so nothing of it is a failure.
 */
export async function drain(params: Params, main: MainProcess, deadline: Deadline): Promise<Result> {
  if (!main.found) return skipped('Kamailio does not run');
  if (!params.kamctlrc) return warning(NO_CONTROL);
  const control = await callControl(params, main.process.pid, deadline);
  try {
    const calls = `${countCalls(await control.callsLeft())} now, says dlg.stats_active`;
    if (!params.drain) return ok(calls);
    await control.ask({ method: 'system.methodHelp', args: [params.drain.method] });
    const does = `a stop runs \`${describeCall(params.drain)}\` and waits for them`;
    return ok(`${calls}; ${does} ${patience(params)}`);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return warning(error.problems.map(({ seen }) => ({ seen, remedy: remedyFor(params.drain) })));
  }
}

function patience({ drain_timeout }: Params): string {
  const limit = drain_timeout === undefined ? '' : `${drain_timeout} s, or `;
  return `${limit}as long as the timeout of the stop operation allows`;
}

function remedyFor(drain: RpcCall | undefined): string {
  const method = drain === undefined ? '' : `, and the module of ${drain.method}, such as cfg_rpc.so`;
  return `kamailio.cfg must load dialog.so and call dlg_manage() for each call${method}`;
}
