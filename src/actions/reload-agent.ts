import { sweepLeavings } from '../checks/leavings.ts';
import { checkNode } from '../checks/node.ts';
import { Failure } from '../failure/failure.ts';
import { type ExitCode, OCF_SUCCESS } from '../ocf/exit-code.ts';
import { readParams } from '../params/parse.ts';
import { findMain } from '../process/pidfile.ts';
import type { Context } from './context.ts';
import { endWatched, keepWatched } from './watched.ts';

/**
 * Takes a change of reloadable parameters: they are checked, and the next monitor reads them. Only the watcher keeps
 * values: it is started, ended, or replaced by one with the new values. Kamailio is not touched.
 *
 * Returns 0 whatever it finds. To the cluster, a reload-agent that fails is a start that failed: Pacemaker 2.1.5 stops
 * the service and starts it on another node for 1 to 5, and nowhere for 6. A slip in `pcs resource update` must not
 * end calls. So it is a warning in the log here, 190 at the next monitor, and refused by validate-all and start.
 */
export async function reloadAgent({ invocation, log }: Context): Promise<ExitCode> {
  try {
    const params = readParams(invocation);
    // Before this call the cluster has ended a monitor that was at work, by SIGKILL.
    sweepLeavings(params);
    await checkNode(params);
    if (params.watch === 'off') await endWatched(params.pidfile);
    const main = findMain(params);
    if (main.found) await keepWatched({ invocation, log }, params, main.process.pid, 'other');
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    log.warn(`${error.message} (Kamailio goes on; the next start will be refused)`);
  }
  return OCF_SUCCESS;
}
