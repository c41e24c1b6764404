import { checkControlPlane } from '../checks/control-plane.ts';
import { controlSettings } from '../checks/control-settings.ts';
import { Failure, type Problem } from '../failure/failure.ts';
import type { Params } from '../interface/parameters.ts';
import type { RpcCall } from '../interface/rpc-call.ts';
import { askActiveCalls, call } from '../kamctl/methods.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { readStatus } from '../process/procfs.ts';

/** The control plane of one Kamailio, for what concerns its calls. Each throws Failure, after probe_timeout at most. */
export interface CallControl {
  /** How many calls it has, those that ring included. */
  callsLeft(): Promise<number>;
  /** Has it do what an administrator wrote. */
  ask(call: RpcCall): Promise<void>;
}

/**
 * Opens the control plane of the Kamailio with this main process. Throws Failure where there is none, where it does not
 * answer, or where another Kamailio answers: that one would be drained.
 */
export async function callControl(params: Params, mainPid: number, deadline: Deadline): Promise<CallControl> {
  if (!params.kamctlrc) throw new Failure(NO_CONTROL);
  const settings = controlSettings(params);
  const own = { ...params, monitor_tools: 'builtin' } as const;
  const { problems, unchecked } = await checkControlPlane(own, mainPid, deadline, true);
  if (problems.length + unchecked.length > 0) throw new Failure([...problems, ...unchecked]);
  const owner = readStatus(mainPid);
  if (!owner) throw new Failure({ seen: `main process ${mainPid} has just ended` });
  const until = () => deadline.sooner(params.probe_timeout * 1000);
  return {
    callsLeft: () => askActiveCalls(settings, owner, until()),
    ask: async ({ method, args }) => void (await call(settings, owner, method, args, until(), true)),
  };
}

/** Why an instance without a control plane is not drained. */
export const NO_CONTROL: Problem = {
  seen: 'kamctlrc is empty, so Kamailio cannot be asked to refuse calls, nor how many it has',
  remedy: 'set it to the kamctlrc of this instance',
};

/** `no call`, `1 call`, `12 calls`. */
export function countCalls(calls: number): string {
  return calls === 0 ? 'no call' : calls === 1 ? '1 call' : `${calls} calls`;
}
