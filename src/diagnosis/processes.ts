import { stoppedMain } from '../checks/supervision.ts';
import { untoldAccount } from '../checks/untold-account.ts';
import type { Params } from '../interface/parameters.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { OCF_ERR_GENERIC, OCF_NOT_RUNNING } from '../ocf/exit-code.ts';
import { findProcesses } from '../process/instance.ts';
import type { MainProcess } from '../process/pidfile.ts';
import { failed, ok, type Result } from './finding.ts';
import { describeOtherInstance } from './hints.ts';

/** What lives of the instance: how many processes in which states, and whether the main process supervises them. */
export async function processes(params: Params, main: MainProcess, deadline: Deadline): Promise<Result> {
  const all = findProcesses(params);
  const states = new Map<string, number>();
  for (const { state } of all) states.set(state, (states.get(state) ?? 0) + 1);
  const summary = `${all.length} processes${all.length > 0 ? ` (${[...states].map(([state, count]) => `${count} in state ${state}`).join(', ')})` : ''}`;
  if (main.found) {
    const stopped = await stoppedMain(main.process, deadline);
    if (stopped.length > 0) return failed(stopped, OCF_ERR_GENERIC);
    return ok(`main process ${main.process.pid} from ${params.pidfile}, ${summary}`);
  }
  const other = main.pid === undefined ? undefined : describeOtherInstance(main.pid, params.pidfile);
  if (all.length > 0) {
    const untold = untoldAccount(params, all);
    const account = untold ? ` as ${untold.description}, which kamuser does not name` : '';
    return failed(
      {
        seen: `${other ?? main.why}, yet ${summary} of the instance live${account}: pid ${all.map(({ pid }) => pid).join(', ')}`,
        remedy: `${untold ? `set kamuser=${untold.name}; ` : ''}a stop removes them all`,
      },
      OCF_ERR_GENERIC,
    );
  }
  return failed({ seen: `not running: ${other ?? main.why}`, remedy: 'start the resource' }, OCF_NOT_RUNNING);
}
