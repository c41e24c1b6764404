import type { Problem } from '../failure/failure.ts';
import type { Params } from '../interface/parameters.ts';
import type { Outcome } from '../sip-probe/outcome.ts';
import { describeTarget } from '../sip-probe/target.ts';

/** Whether a poll was answered as an operator has Kamailio answer while it is drained (probe_drained). */
export function isDrained(outcome: Outcome, { probe_drained }: Pick<Params, 'probe_drained'>): boolean {
  return !outcome.healthy && outcome.status !== undefined && probe_drained.includes(outcome.status);
}

/** That Kamailio is drained, for the reason of a 190: the cluster shows the first 127 characters. */
export function describeDrained(outcome: Outcome): Problem {
  const status = outcome.healthy ? outcome.reply.status : outcome.status;
  return {
    where: describeTarget(outcome.target),
    seen: `draining, it answers ${status}`,
    remedy: 'new calls are refused (probe_drained), running ones go on; diagnose counts them',
  };
}
