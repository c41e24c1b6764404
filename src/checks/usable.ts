import { Failure, type Problem } from '../failure/failure.ts';
import type { ParameterName, Params } from '../interface/parameters.ts';
import type { ParameterFault } from '../params/parse.ts';
import { checkTools } from './tools.ts';

/** What a Kamailio that runs can be checked with, although parameters or programs that they name are unusable. */
export interface Usable {
  /** To check with. */
  readonly params: Params;
  /** What is unusable. A monitor says 190 for it where all that it still can check is healthy. */
  readonly unusable: readonly Problem[];
  /** Which sockets to poll, and what of a poll counts. */
  readonly polls: Polls;
}

/**
 * - `as told`: the parameters name the sockets, and each must answer 200.
 * - `stand-in`: what would say it is unusable. Kamailio listens on the sockets that are polled instead, so silence is
 *   a failure. But kamailio.cfg may refuse this poll and answer the one that was meant: any reply is a sign of life.
 * - `none`: any socket would be a guess, and a wrong guess would cost a healthy service.
 */
type Polls = 'as told' | 'stand-in' | 'none';

/** Sorts out what `params` are good for. `faults` are the parameters for which they hold stand-ins. */
export function usableParams(params: Params, faults: readonly ParameterFault[]): Usable {
  const polls = faults.length === 0 ? 'as told' : pollsWith(params, faults);
  const missing = missingTools(params);
  // sipsak does not tell a refusal from silence as the agent's own client does.
  const isOwnClient = missing.length > 0 || polls === 'stand-in';
  return {
    params: isOwnClient ? { ...params, monitor_tools: 'builtin' } : params,
    unusable: [...faults.flatMap(({ problems }) => problems), ...missing],
    polls,
  };
}

function pollsWith(params: Params, faults: readonly ParameterFault[]): Polls {
  const isFault = (faulty: ParameterName) => faults.some(({ name }) => name === faulty);
  // A kamailio.cfg that answers one URI only may drop any other without a reply.
  if (isFault('probe_uri')) return 'none';
  const asTold = isFault('probe_user') ? 'stand-in' : 'as told';
  if (params.probes && params.probes.length > 0) return asTold;
  if (isFault('port') || isFault('proto')) return 'none';
  if (isFault('listen_address') && (!params.monitoring_ip || params.probes)) return 'none';
  if (!isFault('probes') && !isFault('monitoring_ip')) return asTold;
  // A word without a socket may be a slip of `none`: that Kamailio answers no poll.
  if (faults.some(({ name, text }) => name === 'probes' && !text?.includes(':'))) return 'none';
  // With conf_*, Kamailio listens where kamailio.cfg says, and the unusable parameter may have said where that is.
  return params.proto.startsWith('conf_') ? 'none' : 'stand-in';
}

/** Where a program of monitor_tools=external is missing, the agent's own clients check instead. */
function missingTools(params: Params): readonly Problem[] {
  try {
    checkTools(params);
    return [];
  } catch (error) {
    if (error instanceof Failure) return error.problems;
    throw error;
  }
}
