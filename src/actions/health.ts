import type { Deadline } from '../deadline.ts';
import { errorCode } from '../error-code.ts';
import type { ControlSettings } from '../kamctl/kamctlrc.ts';
import { RpcFailure } from '../kamctl/rpc-failure.ts';
import { ExitCode } from '../ocf/exit-code.ts';
import { Failure } from '../ocf/failure.ts';
import type { Params } from '../params/table.ts';
import { readStatus } from '../process/procfs.ts';
import { probe } from '../sip-probe/probe.ts';
import { describeTarget, type Target, type Transport } from '../sip-probe/target.ts';

/** One thing that is wrong: what was seen and where, and what to do about it, as one sentence part. */
export type Problem = string;

/** The sockets that are polled: listen_address or monitoring_ip, port, and the transports that proto names. */
export function targetsOf(params: Params): Target[] {
  const address = params.monitoring_ip || params.listen_address;
  const transports: Transport[] = params.proto.endsWith('udptcp')
    ? ['udp', 'tcp']
    : [params.proto.endsWith('tcp') ? 'tcp' : 'udp'];
  return transports.map((transport) => ({ transport, address, port: params.port }));
}

/** Polls every target at once; returns a problem for each that did not answer 200. */
export async function checkProbes(params: Params, deadline: Deadline): Promise<Problem[]> {
  const until = deadline.sooner(params.probe_timeout * 1000);
  const outcomes = await Promise.all(
    targetsOf(params).map((target) => probe(target, params.probe_user, until)),
  );
  return outcomes.flatMap((outcome) =>
    outcome.healthy ? [] : [`${describeTarget(outcome.target)}: ${outcome.seen}; ${outcome.remedy}`],
  );
}

/** Asks Kamailio for its up-time, as `kamctl monitor 1` does, unless kamctlrc is empty. `mainPid` runs as Kamailio's account. */
export async function checkControlPlane(
  params: Params,
  mainPid: number,
  deadline: Deadline,
): Promise<Problem[]> {
  if (!params.kamctlrc) return [];
  const settings = await controlSettings(params.kamctlrc);
  const owner = readStatus(mainPid);
  if (!owner) return [`main process ${mainPid} has just ended; see Kamailio's log`];
  const { callRpc } = await import('../kamctl/rpc.ts');
  try {
    await callRpc(settings, owner, 'core.uptime', [], deadline.sooner(params.probe_timeout * 1000));
    return [];
  } catch (error) {
    if (error instanceof RpcFailure) return [`control plane: ${error.message}; ${error.remedy}`];
    throw error;
  }
}

/**
 * Reads the instance's kamctlrc. Throws Failure `installed` when the file is missing, `arguments` when it
 * cannot be used.
 */
export async function controlSettings(kamctlrc: string): Promise<ControlSettings> {
  const { KamctlrcError, readControlSettings } = await import('../kamctl/kamctlrc.ts');
  try {
    return readControlSettings(kamctlrc);
  } catch (error) {
    if (error instanceof KamctlrcError) throw new Failure(ExitCode.arguments, error.message);
    if (errorCode(error) === 'EACCES') {
      throw new Failure(
        ExitCode.permission,
        `kamctlrc ${kamctlrc} cannot be read; call the agent as root, or make the file readable`,
      );
    }
    throw new Failure(
      ExitCode.installed,
      `kamctlrc ${kamctlrc} is missing on this node (${errorCode(error)}); put it there, or set kamctlrc to nothing if this instance has no control plane`,
    );
  }
}
