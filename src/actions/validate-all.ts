import { controlSettings } from '../checks/control-settings.ts';
import { checkNode } from '../checks/node.ts';
import { inRuntimeDirectories } from '../checks/runtime-directories.ts';
import { joinProblems } from '../failure/failure.ts';
import type { Params } from '../interface/parameters.ts';
import { checkConfiguration } from '../launch/configuration.ts';
import { switchedOffByUdp } from '../launch/without-tcp.ts';
import { type ExitCode, OCF_SUCCESS } from '../ocf/exit-code.ts';
import type { Log } from '../ocf/log.ts';
import { readParams } from '../params/parse.ts';
import { isOnThisNode } from '../process/local-address.ts';
import { type Context, checkLevelOf } from './context.ts';

/**
 * Checks the values, and unless OCF_CHECK_LEVEL is 0, this node and the configuration file too; changes
 * nothing. Throws Failure.
 */
export async function validateAll(context: Context): Promise<ExitCode> {
  const { invocation, deadline } = context;
  const params = readParams(invocation);
  // Level 0 is for a tool that plans on another machine: the values alone, not what they name here.
  if (checkLevelOf(invocation) === 0) return OCF_SUCCESS;
  const account = await checkNode(params);
  checkConfiguration(params, account, deadline);
  const lost = switchedOffByUdp(params, account, deadline);
  if (lost) context.log.warn(joinProblems([lost]));
  warnOfOtherNodes(params, context.log);
  warnOfRuntimeDirectories(params, context.log);
  if (params.watch !== 'off') await warnOutsideCluster(context);
  return OCF_SUCCESS;
}

/** An address that is polled and is not on this node: whoever has it answers, and a hung standby passes for healthy. */
function warnOfOtherNodes({ monitoring_ip, listen_address, probes }: Params, log: Log): void {
  const named = [
    ...(monitoring_ip && monitoring_ip !== listen_address ? [monitoring_ip] : []),
    ...(probes ?? []).map(({ address }) => address),
  ];
  for (const address of new Set(named.filter((one) => !isOnThisNode(one)))) {
    log.warn(
      `${address} is not on this node: whoever has it answers the polls; leave monitoring_ip and probes empty, and a socket of this very instance is polled`,
    );
  }
}

/** What the cluster's Kamailio needs is gone when the system's own service stops. */
function warnOfRuntimeDirectories(params: Params, log: Log): void {
  const control = params.kamctlrc ? controlSettings(params) : undefined;
  for (const problem of inRuntimeDirectories(control, params.pidfile)) log.warn(joinProblems([problem]));
}

/** A watcher that has nobody to report to is no fault of the values: somebody may set a cluster up just now. */
async function warnOutsideCluster({ invocation, log, deadline }: Context): Promise<void> {
  const { findPlace } = await import('../watch/cluster.ts');
  if (await findPlace(invocation, deadline.earlier(deadline.remaining / 2))) return;
  log.warn(
    'watch is on, but no cluster answers on this node (`crm_node --name` fails): the watcher would only log a crash',
  );
}
