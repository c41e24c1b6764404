import { Failure, type Problem } from '../failure/failure.ts';
import { explainExhaustion, isExhaustion } from '../failure/system-error.ts';
import type { Params } from '../interface/parameters.ts';
import { askSharedMemory } from '../kamctl/methods.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { type ProcessStat, readStatus } from '../process/procfs.ts';
import type { ListeningSocket } from '../process/sockets.ts';
import { findCongested, udpSockets } from '../process/udp-queues.ts';
import { findStuck, findWorkers } from '../process/workers.ts';
import type { Outcome } from '../sip-probe/outcome.ts';
import { describeTarget } from '../sip-probe/target.ts';
import { controlSettings } from './control-settings.ts';
import { hungReceivers } from './udp-receivers.ts';

export { udpSockets };

/** From this share of shared memory in use on, in percent, Kamailio soon finds none for the next transaction. */
export const SHARED_MEMORY_PERCENT = 90;

/** From this many days before its expiry on, a TLS certificate is told. */
export const CERTIFICATE_DAYS = 14;

const DAY_MS = 86_400_000;

/**
 * What predicts a failure of a Kamailio that still answers (check level 20): workers that are stopped or
 * stuck, receivers that hang, shared memory nearly used up, TLS certificates about to expire, answers that callers do not take or that
 * came at a later try only, UDP sockets that overflow.
 * `socketsBefore` is `udpSockets` from the beginning of the check, `outcomes` are those of the probes.
 */
export async function predictFailures(
  params: Params,
  main: ProcessStat,
  socketsBefore: readonly ListeningSocket[],
  outcomes: readonly Outcome[],
  deadline: Deadline,
): Promise<Problem[]> {
  return [
    ...(await stuckWorkers(params, main, deadline)),
    ...(await hungReceivers(params, main.pid, outcomes, deadline)),
    ...(await scarceMemory(params, main.pid, deadline)),
    ...expiringCertificates(outcomes),
    ...strayAnswers(outcomes),
    ...lateAnswers(outcomes),
    ...findCongested(socketsBefore, udpSockets(main.pid)).map(({ name, seen }) => ({
      where: name,
      seen,
      remedy: 'more workers (children=) or fewer requests are needed',
    })),
  ];
}

async function stuckWorkers(params: Params, main: ProcessStat, deadline: Deadline): Promise<Problem[]> {
  const stuck = await findStuck(findWorkers(main, params), deadline);
  return stuck.map(({ pid, state }) =>
    state === 'D'
      ? {
          seen: `worker ${pid} hangs in an uninterruptible wait (state D)`,
          remedy: `see /proc/${pid}/stack and the disks`,
        }
      : { seen: `worker ${pid} is stopped (state ${state})`, remedy: `\`kill -CONT ${pid}\` lets it go on` },
  );
}

async function scarceMemory(params: Params, mainPid: number, deadline: Deadline): Promise<Problem[]> {
  const owner = readStatus(mainPid);
  if (!params.kamctlrc || !owner) return [];
  try {
    const until = deadline.sooner(params.probe_timeout * 1000);
    const { total, used } = await askSharedMemory(controlSettings(params), owner, until);
    if (total <= 0 || used * 100 <= total * SHARED_MEMORY_PERCENT) return [];
    const percent = Math.floor((used / total) * 100);
    return [
      {
        seen: `${percent} % of the shared memory is in use (${used} of ${total} KiB)`,
        remedy: 'start Kamailio with more (-m in extra_options), or find the leak',
      },
    ];
  } catch (error) {
    if (error instanceof Failure) return [...error.at('shared memory')];
    // All has answered by now: what is lacking for one more question is no reason to fail the service.
    if (isExhaustion(error)) return [{ where: 'shared memory', ...explainExhaustion(error) }];
    throw error;
  }
}

function expiringCertificates(outcomes: readonly Outcome[]): Problem[] {
  return outcomes.flatMap((outcome) => {
    if (!outcome.healthy || outcome.certificateExpires === undefined) return [];
    const days = (outcome.certificateExpires - Date.now()) / DAY_MS;
    if (days > CERTIFICATE_DAYS) return [];
    const date = new Date(outcome.certificateExpires).toISOString().slice(0, 10);
    const when = days < 0 ? `expired on ${date}` : `expires on ${date}, in ${Math.floor(days)} days`;
    return [
      {
        where: describeTarget(outcome.target),
        seen: `its certificate ${when}`,
        remedy: 'renew it and reload it (kamcmd tls.reload)',
      },
    ];
  });
}

/**
 * Kamailio on 0.0.0.0 answers a request to a secondary address from the interface's first one. A caller behind a
 * firewall or NAT never gets such an answer, and one that is strict about it (a connected socket) drops it.
 */
function strayAnswers(outcomes: readonly Outcome[]): Problem[] {
  return outcomes.flatMap((outcome) => {
    if (!outcome.healthy || outcome.answeredFrom === undefined) return [];
    const where = describeTarget(outcome.target);
    return [
      {
        where,
        seen: `its answers come from ${outcome.answeredFrom}, not from the address that was asked: callers behind NAT or a firewall do not get them`,
        remedy: `write \`listen=${where}\` into kamailio.cfg, as it now listens on all addresses at once`,
      },
    ];
  });
}

/** A poll that was answered at a later try (probe_tries) is healthy, and callers may have waited in vain. */
function lateAnswers(outcomes: readonly Outcome[]): Problem[] {
  return outcomes.flatMap((outcome) => {
    if (!outcome.healthy || outcome.failedTries === undefined) return [];
    const { length } = outcome.failedTries;
    return [
      {
        where: describeTarget(outcome.target),
        seen: `answered at try ${length + 1} only: ${outcome.failedTries.join(', ')}`,
        remedy: 'its workers are busy or hang at times; see its log and `kamctl stats`',
      },
    ];
  });
}
