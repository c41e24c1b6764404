import type { Deadline } from '../deadline.ts';
import { askSharedMemory } from '../kamctl/questions.ts';
import { RpcFailure } from '../kamctl/rpc-failure.ts';
import type { Params } from '../params/table.ts';
import { type ProcessStat, readStatus } from '../process/procfs.ts';
import type { ListeningSocket } from '../process/sockets.ts';
import { findCongested, udpSockets } from '../process/udp-queues.ts';
import { findStuck, findWorkers } from '../process/workers.ts';
import type { Outcome } from '../sip-probe/outcome.ts';
import { describeTarget } from '../sip-probe/target.ts';
import { controlSettings } from './control-settings.ts';
import type { Problem } from './health.ts';
import { CERTIFICATE_DAYS, SHARED_MEMORY_PERCENT } from './thresholds.ts';

export { udpSockets };

const DAY_MS = 86_400_000;

/**
 * What predicts a failure of a Kamailio that still answers (check level 20): workers that are stopped or
 * stuck, shared memory nearly used up, TLS certificates about to expire, UDP sockets that overflow.
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
    ...(await stuckWorkers(params, main)),
    ...(await scarceMemory(params, main.pid, deadline)),
    ...expiringCertificates(outcomes),
    ...findCongested(socketsBefore, udpSockets(main.pid)).map(
      ({ name, seen }) => `${name}: ${seen}; more workers (children=) or fewer requests are needed`,
    ),
  ];
}

async function stuckWorkers(params: Params, main: ProcessStat): Promise<Problem[]> {
  const stuck = await findStuck(findWorkers(main, params));
  return stuck.map(({ pid, state }) =>
    state === 'D'
      ? `worker ${pid} hangs in an uninterruptible wait (state D); see /proc/${pid}/stack and the disks`
      : `worker ${pid} is stopped (state ${state}); \`kill -CONT ${pid}\` lets it go on`,
  );
}

async function scarceMemory(params: Params, mainPid: number, deadline: Deadline): Promise<Problem[]> {
  const owner = readStatus(mainPid);
  if (!params.kamctlrc || !owner) return [];
  try {
    const { total, used } = await askSharedMemory(controlSettings(params), owner, deadline);
    if (used * 100 <= total * SHARED_MEMORY_PERCENT) return [];
    const percent = Math.floor((used / total) * 100);
    return [
      `${percent} % of the shared memory is in use (${used} of ${total} bytes); start Kamailio with more (-m in extra_options), or find the leak`,
    ];
  } catch (error) {
    if (error instanceof RpcFailure) return [`shared memory: ${error.message}; ${error.remedy}`];
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
      `${describeTarget(outcome.target)}: its certificate ${when}; renew it and reload it (kamcmd tls.reload)`,
    ];
  });
}
