import { monitorWithKamctl } from '../external/kamctl-program.ts';
import { Failure, type Problem } from '../failure/failure.ts';
import { explainExhaustion, isExhaustion } from '../failure/system-error.ts';
import type { Params } from '../interface/parameters.ts';
import { askUptime } from '../kamctl/methods.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { readStatus } from '../process/procfs.ts';
import { controlSettings } from './control-settings.ts';
import { findTool } from './tools.ts';
import { checkOwnFifo, removedFifo } from './whose-fifo.ts';

/** What the control plane came to. */
export interface ControlReport {
  readonly problems: readonly Problem[];
  /** Why it cannot be asked any more, though nothing is wrong with Kamailio. */
  readonly unchecked: readonly Problem[];
}

/**
 * Asks Kamailio for its up-time, as `kamctl monitor 1` does (over ctl's socket, which kamctl does not know, for its
 * processes), unless kamctlrc is empty, and makes sure that it was this instance that answered. `mainPid` runs as
 * Kamailio's account; a start leaves a spare FIFO for the monitors after it (`leavesSpare`). Throws Failure when
 * kamctlrc, or with external tools kamctl, is missing.
 */
export async function checkControlPlane(
  params: Params,
  mainPid: number,
  deadline: Deadline,
  leavesSpare = false,
): Promise<ControlReport> {
  if (!params.kamctlrc) return { problems: [], unchecked: [] };
  const settings = controlSettings(params);
  const until = deadline.sooner(params.probe_timeout * 1000);
  if (settings.ctlSocket !== undefined) {
    const { checkCtl } = await import('./ctl.ts');
    return failing(...(await checkCtl(settings.ctlSocket, mainPid, until)));
  }
  const own = () => checkOwnFifo(settings.fifo, mainPid, params).map(atControlPlane);
  try {
    if (params.monitor_tools === 'external') {
      const kamctl = findTool('kamctl', [params.kamctl, '/usr/bin/kamctl']);
      await monitorWithKamctl(kamctl, params.kamctlrc, settings.kamctlDirectory, until);
      return { problems: own(), unchecked: [] };
    }
    const owner = readStatus(mainPid);
    if (!owner)
      return failing({ seen: `main process ${mainPid} has just ended`, remedy: "see Kamailio's log" });
    await askUptime(settings, owner, until, leavesSpare);
    return { problems: own(), unchecked: [] };
  } catch (error) {
    if (isExhaustion(error)) return failing(atControlPlane(explainExhaustion(error)));
    if (!(error instanceof Failure)) throw error;
    // Whose FIFO it is explains more than what came over it.
    const foreign = own();
    if (foreign.length > 0) return failing(...foreign);
    const removed = removedFifo(settings.fifo, mainPid);
    if (removed) return { problems: [], unchecked: [atControlPlane(removed)] };
    return failing(...error.at('control plane'));
  }
}

function failing(...problems: readonly Problem[]): ControlReport {
  return { problems, unchecked: [] };
}

function atControlPlane(problem: Problem): Problem {
  return { where: 'control plane', ...problem };
}
