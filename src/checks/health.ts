import { Failure, type Problem } from '../failure/failure.ts';
import type { Params } from '../interface/parameters.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { otherNamespace } from '../process/network-namespace.ts';
import { readStat } from '../process/procfs.ts';
import type { ClientCertificate } from '../sip-probe/client-certificate.ts';
import type { Outcome } from '../sip-probe/outcome.ts';
import { pollTarget } from '../sip-probe/poll.ts';
import { describeTarget, isSecure, type Target } from '../sip-probe/target.ts';
import { clientCertificate } from './client-certificate.ts';
import { describeDrained, isDrained } from './drained.ts';
import { findTargets } from './targets.ts';
import { findTool, isPolled, pollsWithSipsak } from './tools.ts';
import { describeTries, inTries } from './tries.ts';

/** What the probes came to. */
export interface PollReport {
  readonly problems: readonly Problem[];
  /** What was polled. */
  readonly targets: readonly Target[];
  /** Outcomes of the agent's own client; none from external tools. */
  readonly outcomes: readonly Outcome[];
  /** Sockets that are answered, but as probe_drained has it: an operator has Kamailio refuse new calls. */
  readonly drained: readonly Problem[];
  /** What could not be polled, and why: a client certificate that cannot be used says nothing about Kamailio. */
  readonly unchecked: readonly Problem[];
}

/** The report of a monitor that has polled nothing itself. */
export const NOTHING_POLLED: PollReport = {
  problems: [],
  targets: [],
  outcomes: [],
  drained: [],
  unchecked: [],
};

/**
 * Polls every target at once, in up to `probe_tries` tries (see `findTargets` for `mainPid`); a problem for each that did
 * not answer 200 or a code of probe_drained, or with `anyReply` for each that did not answer. A Kamailio in a network
 * namespace of its own (`ip netns exec`) is polled there. Throws Failure OCF_ERR_INSTALLED without sipsak.
 */
export async function checkPolls(
  params: Params,
  mainPid: number | undefined,
  deadline: Deadline,
  anyReply = false,
): Promise<PollReport> {
  const namespace = otherNamespace(mainPid);
  if (namespace === undefined) return pollFromHere(params, mainPid, deadline, anyReply);
  const { pollInside } = await import('./poll-inside.ts');
  return pollInside(namespace, { params, mainPid, anyReply }, deadline);
}

/** The same in the agent's own network namespace. */
export async function pollFromHere(
  params: Params,
  mainPid: number | undefined,
  deadline: Deadline,
  anyReply = false,
): Promise<PollReport> {
  if (!isPolled(params))
    return { ...NOTHING_POLLED, problems: await checkUnpolled(params, mainPid, deadline) };
  const { targets, problems } = findTargets(params, mainPid);
  if (pollsWithSipsak(params)) return pollWithSipsak(params, targets, problems, deadline);
  const { certificate, unchecked } = certificateFor(params, targets);
  const polled = unchecked.length > 0 ? targets.filter((target) => !isSecure(target)) : targets;
  const outcomes = await Promise.all(
    polled.map((target) =>
      pollInTries(
        params,
        deadline,
        (until) => pollTarget(target, params.probe_user, until, certificate),
        (outcome) => outcome.healthy || isDrained(outcome, params) || (anyReply && hasReplied(outcome)),
      ),
    ),
  );
  const drained = outcomes.filter((outcome) => isDrained(outcome, params));
  const failed = outcomes.filter(
    (outcome) => !drained.includes(outcome) && !(anyReply && hasReplied(outcome)),
  );
  return {
    problems: [...problems, ...failed.flatMap(problemOf)],
    targets: polled,
    outcomes,
    drained: drained.map(describeDrained),
    unchecked,
  };
}

/** What is checked where nothing is polled; only then it is loaded. */
async function checkUnpolled(
  params: Params,
  mainPid: number | undefined,
  deadline: Deadline,
): Promise<readonly Problem[]> {
  const main = mainPid === undefined ? undefined : readStat(mainPid);
  if (!main) return [];
  const { checkWithoutPolls } = await import('./without-polls.ts');
  return checkWithoutPolls(params, main, deadline);
}

/** The outcome of the last try, with what those before it saw. */
async function pollInTries<T extends Outcome | { readonly healthy: true }>(
  params: Params,
  deadline: Deadline,
  ask: (until: Deadline) => Promise<T>,
  isEnough: (outcome: T) => boolean,
): Promise<T> {
  const { result, failed } = await inTries(params, deadline, ask, (outcome) =>
    isEnough(outcome) || !('seen' in outcome) ? undefined : outcome.seen,
  );
  if (failed.length === 0) return result;
  return 'seen' in result
    ? { ...result, seen: describeTries(failed, result.seen) }
    : { ...result, failedTries: failed };
}

/** The client certificate, if a tls or wss socket is polled and one is set. */
function certificateFor(
  params: Params,
  targets: readonly Target[],
): { readonly certificate?: ClientCertificate; readonly unchecked: readonly Problem[] } {
  if (!targets.some(isSecure)) return { unchecked: [] };
  try {
    const certificate = clientCertificate(params);
    return { unchecked: [], ...(certificate && { certificate }) };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { unchecked: error.problems };
  }
}

/** Whether a poll has been answered, if only with a refusal. */
export function hasReplied(outcome: Outcome): boolean {
  return outcome.healthy || outcome.status !== undefined;
}

async function pollWithSipsak(
  params: Params,
  targets: readonly Target[],
  problems: readonly Problem[],
  deadline: Deadline,
): Promise<PollReport> {
  const { pollTargetWithSipsak } = await import('../external/sipsak.ts');
  const sipsak = findTool('sipsak', [params.sipsak]);
  const polled = await Promise.all(
    targets.map(async (target) => {
      const drained: Problem[] = [];
      const outcome = await pollInTries(
        params,
        deadline,
        async (until) => {
          const answer = await pollTargetWithSipsak(sipsak, target, params.probe_user, until);
          if (answer.healthy || params.probe_drained.length === 0) return answer;
          // sipsak does not say which reply it was.
          const again = await pollTarget(target, params.probe_user, until);
          if (isDrained(again, params)) drained.push(describeDrained(again));
          return answer;
        },
        ({ healthy }) => healthy || drained.length > 0,
      );
      return drained.length > 0 ? { failed: [], drained } : { failed: problemOf(outcome), drained };
    }),
  );
  return {
    problems: [...problems, ...polled.flatMap(({ failed }) => failed)],
    targets,
    outcomes: [],
    drained: polled.flatMap(({ drained }) => drained),
    unchecked: [],
  };
}

function problemOf(outcome: Outcome | { readonly healthy: true }): Problem[] {
  return outcome.healthy
    ? []
    : [{ where: describeTarget(outcome.target), seen: outcome.seen, remedy: outcome.remedy }];
}
