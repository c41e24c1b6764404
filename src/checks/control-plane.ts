import { Failure, type Problem } from '../failure/failure.ts';
import { explainExhaustion, isExhaustion } from '../failure/system-error.ts';
import type { Params } from '../interface/parameters.ts';
import { askUptime } from '../kamctl/methods.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { readStatus } from '../process/procfs.ts';
import { controlSettings } from './control-settings.ts';
import { findTool } from './tools.ts';
import { describeTries, inTries } from './tries.ts';
import { checkOwnFifo } from './whose-fifo.ts';

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
  if (settings.ctlSocket !== undefined) return overCtl(params, settings.ctlSocket, mainPid, deadline);
  const own = () => checkOwnFifo(settings.fifo, mainPid, params).map(atControlPlane);
  try {
    if (params.monitor_tools === 'external') {
      const { monitorWithKamctl } = await import('../external/kamctl-program.ts');
      const kamctl = findTool('kamctl', [params.kamctl, '/usr/bin/kamctl']);
      await askInTries(params, deadline, (until) =>
        monitorWithKamctl(kamctl, params.kamctlrc, settings.kamctlDirectory, until),
      );
      return { problems: own(), unchecked: [] };
    }
    const owner = readStatus(mainPid);
    if (!owner)
      return failing({ seen: `main process ${mainPid} has just ended`, remedy: "see Kamailio's log" });
    await askInTries(params, deadline, (until) => askUptime(settings, owner, until, leavesSpare));
    return { problems: own(), unchecked: [] };
  } catch (error) {
    if (isExhaustion(error)) return failing(atControlPlane(explainExhaustion(error)));
    if (!(error instanceof Failure)) throw error;
    // Whose FIFO it is explains more than what came over it.
    const foreign = own();
    if (foreign.length > 0) return failing(...foreign);
    const { removedFifo } = await import('./removed-fifo.ts');
    const removed = removedFifo(settings.fifo, mainPid);
    if (removed) return { problems: [], unchecked: [atControlPlane(removed)] };
    return failing(...error.at('control plane'));
  }
}

async function overCtl(
  params: Params,
  socket: string,
  mainPid: number,
  deadline: Deadline,
): Promise<ControlReport> {
  const { checkCtl, removedSocket } = await import('./ctl.ts');
  const ask = (until: Deadline) => checkCtl(socket, mainPid, until);
  const { result, failed } = await inTries(params, deadline, ask, ([problem]) => problem?.seen);
  const [first, ...others] = result;
  if (!first) return failing();
  const removed = removedSocket(socket, params);
  if (removed) return { problems: [], unchecked: [atControlPlane(removed)] };
  return failing({ ...first, seen: describeTries(failed, first.seen) }, ...others);
}

/** Throws the Failure of the last try, with what those before it saw. */
async function askInTries(
  params: Params,
  deadline: Deadline,
  ask: (until: Deadline) => Promise<unknown>,
): Promise<void> {
  const attempt = async (until: Deadline) => {
    try {
      await ask(until);
      return undefined;
    } catch (error) {
      if (error instanceof Failure) return error;
      throw error;
    }
  };
  const { result, failed } = await inTries(
    params,
    deadline,
    attempt,
    (failure) => failure?.problems[0]?.seen,
  );
  if (!result) return;
  const [first, ...others] = result.problems;
  throw new Failure(first ? [{ ...first, seen: describeTries(failed, first.seen) }, ...others] : others);
}

function failing(...problems: readonly Problem[]): ControlReport {
  return { problems, unchecked: [] };
}

function atControlPlane(problem: Problem): Problem {
  return { where: 'control plane', ...problem };
}
