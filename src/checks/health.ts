import { monitorWithKamctl } from '../external/kamctl-program.ts';
import { pollTargetWithSipsak } from '../external/sipsak.ts';
import { Failure, type Problem } from '../failure/failure.ts';
import { explainExhaustion, isExhaustion } from '../failure/system-error.ts';
import type { Params } from '../interface/parameters.ts';
import { askUptime } from '../kamctl/methods.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { readStatus } from '../process/procfs.ts';
import type { Outcome } from '../sip-probe/outcome.ts';
import { pollTarget } from '../sip-probe/poll.ts';
import { describeTarget, type Target, type Transport } from '../sip-probe/target.ts';
import { controlSettings } from './control-settings.ts';
import { findTool } from './tools.ts';

/** What the probes came to. */
export interface PollReport {
  readonly problems: readonly Problem[];
  /** Outcomes of the agent's own client; none from external tools. */
  readonly outcomes: readonly Outcome[];
}

/** The sockets that are polled: those of `probes`, else monitoring_ip or listen_address, port, and what proto names. */
export function targetsOf(params: Params): readonly Target[] {
  if (params.probes.length > 0) return params.probes;
  const address = params.monitoring_ip || params.listen_address;
  const transports: Transport[] = params.proto.endsWith('udptcp')
    ? ['udp', 'tcp']
    : [params.proto.endsWith('tcp') ? 'tcp' : 'udp'];
  return transports.map((transport) => ({ transport, address, port: params.port }));
}

/**
 * Polls every target at once; a problem for each that did not answer 200, or with `anyReply` for each that did not
 * answer. Throws Failure OCF_ERR_INSTALLED without sipsak.
 */
export async function checkPolls(params: Params, deadline: Deadline, anyReply = false): Promise<PollReport> {
  const until = deadline.sooner(params.probe_timeout * 1000);
  if (params.monitor_tools === 'external')
    return { problems: await pollWithSipsak(params, until), outcomes: [] };
  const outcomes = await Promise.all(
    targetsOf(params).map((target) => pollTarget(target, params.probe_user, until)),
  );
  const failed = outcomes.filter((outcome) => !(anyReply && hasReplied(outcome)));
  return { problems: failed.flatMap(problemOf), outcomes };
}

/** Whether a poll has been answered, if only with a refusal. */
export function hasReplied(outcome: Outcome): boolean {
  return outcome.healthy || outcome.status !== undefined;
}

async function pollWithSipsak(params: Params, deadline: Deadline): Promise<readonly Problem[]> {
  const sipsak = findTool('sipsak', [params.sipsak]);
  const outcomes = await Promise.all(
    targetsOf(params).map((target) => pollTargetWithSipsak(sipsak, target, params.probe_user, deadline)),
  );
  return outcomes.flatMap(problemOf);
}

function problemOf(outcome: Outcome | { readonly healthy: true }): Problem[] {
  return outcome.healthy
    ? []
    : [{ where: describeTarget(outcome.target), seen: outcome.seen, remedy: outcome.remedy }];
}

/**
 * Asks Kamailio for its up-time, as `kamctl monitor 1` does, unless kamctlrc is empty. `mainPid` runs as
 * Kamailio's account; a start leaves a spare FIFO for the monitors after it (`leavesSpare`). Throws Failure when
 * kamctlrc, or with external tools kamctl, is missing.
 */
export async function checkControlPlane(
  params: Params,
  mainPid: number,
  deadline: Deadline,
  leavesSpare = false,
): Promise<readonly Problem[]> {
  if (!params.kamctlrc) return [];
  const settings = controlSettings(params);
  const until = deadline.sooner(params.probe_timeout * 1000);
  try {
    if (params.monitor_tools === 'external') {
      await monitorWithKamctl(
        findTool('kamctl', [params.kamctl, '/usr/bin/kamctl']),
        params.kamctlrc,
        settings.kamctlDirectory,
        until,
      );
      return [];
    }
    const owner = readStatus(mainPid);
    if (!owner) return [{ seen: `main process ${mainPid} has just ended`, remedy: "see Kamailio's log" }];
    await askUptime(settings, owner, until, leavesSpare);
    return [];
  } catch (error) {
    if (isExhaustion(error)) {
      return [{ where: 'control plane', ...explainExhaustion(error) }];
    }
    if (error instanceof Failure) return error.at('control plane');
    throw error;
  }
}
