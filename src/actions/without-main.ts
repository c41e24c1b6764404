import { untoldAccount } from '../checks/untold-account.ts';
import { Failure } from '../failure/failure.ts';
import type { Params } from '../interface/parameters.ts';
import { OCF_ERR_GENERIC, OCF_NOT_RUNNING } from '../ocf/exit-code.ts';
import type { ParameterFault } from '../params/parse.ts';
import { findProcesses } from '../process/instance.ts';
import type { ProcessStat } from '../process/procfs.ts';
import { oneLine } from '../text/one-line.ts';

/**
 * The verdict of a monitor that the pidfile leads nowhere, `why` says how: OCF_NOT_RUNNING if nothing of the instance is
 * left, else OCF_ERR_GENERIC. Only here does a monitor search the whole process table.
 */
export function withoutMain(params: Params, why: string, faults: readonly ParameterFault[]): Failure {
  const left = findProcesses(params);
  const alsoWrong = faults.flatMap(({ problems }) => problems);
  if (left.length === 0) {
    return new Failure(
      [
        { seen: `not running: ${why}, and no process was started with -P ${oneLine(params.pidfile, 200)}` },
        ...alsoWrong,
      ],
      OCF_NOT_RUNNING,
    );
  }
  // The main process crashed and left its children, or the pidfile was lost: a start here would collide
  // with them, so the cluster is told "failed" and stops the instance first.
  const untold = untoldAccount(params, left);
  const live = `${left.length} processes of the instance live`;
  const pids = `pid ${pidList(left)}`;
  return new Failure(
    [
      untold
        ? {
            seen: `${live} as ${untold.description}, which kamuser does not name: ${pids}; the main process is not known (${why})`,
            remedy: `set kamuser=${untold.name}; a stop removes them all`,
          }
        : {
            seen: `the main process is not known (${why}), but ${live}: ${pids}`,
            remedy: 'a stop removes them all',
          },
      ...alsoWrong,
    ],
    OCF_ERR_GENERIC,
  );
}

/** Up to eight pids, so that a reason stays one line. */
function pidList(processes: readonly ProcessStat[]): string {
  const pids = processes.slice(0, 8).map((process) => process.pid);
  return pids.join(', ') + (processes.length > pids.length ? ', ...' : '');
}
