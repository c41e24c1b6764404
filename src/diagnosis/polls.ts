import { describeDrained, isDrained } from '../checks/drained.ts';
import { checkPolls, hasReplied } from '../checks/health.ts';
import { isPolled, pollsWithSipsak } from '../checks/tools.ts';
import { checkOwnSockets } from '../checks/whose-socket.ts';
import type { Params } from '../interface/parameters.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { OCF_DEGRADED, OCF_ERR_GENERIC } from '../ocf/exit-code.ts';
import { findProcesses } from '../process/instance.ts';
import { isOnThisNode } from '../process/local-address.ts';
import { otherNamespace } from '../process/network-namespace.ts';
import type { MainProcess } from '../process/pidfile.ts';
import type { Outcome } from '../sip-probe/outcome.ts';
import { describeTarget, type Target } from '../sip-probe/target.ts';
import { oneLine } from '../text/one-line.ts';
import { isSameAddress } from '../text/socket-address.ts';
import { examine, type Finding, failed, findingsOf, ok, type Result, skipped, warning } from './finding.ts';
import { suggestOtherSocket, suggestOtherUser } from './hints.ts';

/** One polled socket: its findings, and its outcome if the agent's own client polled it. */
export interface DiagnosedPoll {
  readonly findings: Finding[];
  readonly outcome?: Outcome;
}

/**
 * Polls every socket, and says for each answer whose it was. With `anyReply` a refusal is a sign of life, as for a
 * monitor that polls in place of what an unusable parameter names.
 */
export async function diagnosePolls(
  params: Params,
  main: MainProcess,
  anyReply: boolean,
  deadline: Deadline,
): Promise<DiagnosedPoll[]> {
  const mainPid = main.found ? main.process.pid : undefined;
  if (!isPolled(params))
    return [{ findings: await examine('sockets', () => sockets(params, mainPid, deadline)) }];
  if (pollsWithSipsak(params)) {
    const findings = await examine('probes (sipsak)', async () => {
      const { problems, drained } = await checkPolls(params, mainPid, deadline);
      if (problems.length > 0) return failed(problems, OCF_ERR_GENERIC);
      return drained.length > 0 ? warning(drained, OCF_DEGRADED) : ok('sipsak is answered');
    });
    return [{ findings }];
  }
  const namespace = otherNamespace(mainPid);
  const { problems, outcomes, unchecked } = await checkPolls(params, mainPid, deadline);
  const polled = await Promise.all(
    outcomes.map(async (outcome) => ({
      findings: await describeOutcome(params, main, outcome, anyReply, deadline),
      outcome,
    })),
  );
  const unpolled = problems.filter(
    ({ where }) => !outcomes.some(({ target }) => describeTarget(target) === where),
  );
  const others = [
    ...(unpolled.length > 0 ? findingsOf('polls', failed(unpolled, OCF_ERR_GENERIC), 0) : []),
    ...(unchecked.length > 0
      ? findingsOf(namespace ? 'polls' : 'polls over tls', failed(unchecked, OCF_DEGRADED), 0)
      : []),
  ];
  return others.length > 0 ? [...polled, { findings: others }] : polled;
}

/** What stands in for the polls of a Kamailio that answers none. */
async function sockets(params: Params, mainPid: number | undefined, deadline: Deadline): Promise<Result> {
  if (mainPid === undefined) return skipped('Kamailio does not run, and SIP is not polled (probes=none)');
  const { problems } = await checkPolls(params, mainPid, deadline);
  return problems.length === 0
    ? ok('Kamailio listens on all of them; SIP is not polled (probes=none)')
    : failed(problems, OCF_ERR_GENERIC);
}

async function describeOutcome(
  params: Params,
  main: MainProcess,
  outcome: Outcome,
  anyReply: boolean,
  deadline: Deadline,
): Promise<Finding[]> {
  const { target } = outcome;
  const check = describeTarget(target);
  const elsewhere = main.found ? otherNamespace(main.process.pid) : undefined;
  // Another Kamailio (the system's service, another resource, one started by hand) is the commonest mistake of all.
  const whose = checkOwnSockets([target], main.found ? main.process : undefined, params);
  const foreign = [...whose.problems, ...whose.unchecked].map(({ seen, remedy = '' }) => ({ seen, remedy }));
  if (outcome.healthy) {
    const { reply, roundTripMs } = outcome;
    const server = reply.server ? ` from ${oneLine(reply.server, 60)}` : '';
    const seen = `${reply.status} ${oneLine(reply.phrase, 60)}${server}`;
    if (foreign.length > 0)
      return findingsOf(
        check,
        failed(
          foreign.map((problem) => ({ ...problem, seen: `${seen}, but ${problem.seen}` })),
          whose.problems.length > 0 ? OCF_ERR_GENERIC : OCF_DEGRADED,
        ),
        roundTripMs,
      );
    const answered = elsewhere ? ok(`${seen}, in ${elsewhere}`) : answeredBy(params, target, seen);
    return findingsOf(check, answered, roundTripMs);
  }
  if (foreign.length === 0 && isDrained(outcome, params)) {
    const { seen, remedy = '' } = describeDrained(outcome);
    return findingsOf(check, warning({ seen, remedy }, OCF_DEGRADED), 0);
  }
  return examine(check, async () => {
    if (foreign.length > 0)
      return failed(
        foreign.map((problem) => ({ ...problem, seen: `${outcome.seen}: ${problem.seen}` })),
        OCF_ERR_GENERIC,
      );
    const pids =
      outcome.status === undefined && main.found ? findProcesses(params).map(({ pid }) => pid) : [];
    // A filter may drop what it does not know: silence is asked again as a refusal is.
    const hint =
      !elsewhere &&
      (suggestOtherSocket(pids, target) ?? (await suggestOtherUser(target, params.probe_user, deadline)));
    const code = anyReply && hasReplied(outcome) ? OCF_DEGRADED : OCF_ERR_GENERIC;
    return failed({ seen: outcome.seen, remedy: hint || outcome.remedy }, code);
  });
}

/** Whose answer a 200 was, where that could be in doubt. */
function answeredBy(params: Params, target: Target, seen: string) {
  if (!isOnThisNode(target.address)) {
    return warning({
      seen: `${seen}, from whoever has ${target.address}: it is not on this node`,
      remedy: 'leave monitoring_ip and probes empty, and a socket of this very instance is polled',
    });
  }
  const isNamed = params.probes !== undefined || params.monitoring_ip !== '';
  if (isNamed || isSameAddress(target.address, params.listen_address)) return ok(seen);
  return ok(`${seen}, polled in place of ${params.listen_address}, which is not on this node`);
}
