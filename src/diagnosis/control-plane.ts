import { controlSettings } from '../checks/control-settings.ts';
import { checkCtl, removedSocket } from '../checks/ctl.ts';
import { removedFifo } from '../checks/removed-fifo.ts';
import { inRuntimeDirectories } from '../checks/runtime-directories.ts';
import { checkOwnFifo } from '../checks/whose-fifo.ts';
import { Failure } from '../failure/failure.ts';
import type { Params } from '../interface/parameters.ts';
import type { ControlSettings } from '../kamctl/kamctlrc.ts';
import { askUptime } from '../kamctl/methods.ts';
import type { Owner } from '../kamctl/reusable-fifo.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { OCF_DEGRADED, OCF_ERR_GENERIC } from '../ocf/exit-code.ts';
import type { MainProcess } from '../process/pidfile.ts';
import { readStatus } from '../process/procfs.ts';
import { failed, ok, type Result, skipped, warning } from './finding.ts';
import { suggestOtherFifo } from './hints.ts';

/**
 * Asks Kamailio for its up-time, as a monitor does. A kamctlrc that cannot be used is a failure to a person, and costs a
 * monitor its 190 alone.
 */
export async function controlPlane(params: Params, main: MainProcess, deadline: Deadline): Promise<Result> {
  if (!params.kamctlrc) return skipped('kamctlrc is empty: the control plane is not checked');
  let settings: ControlSettings;
  try {
    settings = controlSettings(params);
  } catch (error) {
    if (error instanceof Failure) return failed(error.problems, OCF_DEGRADED);
    throw error;
  }
  const owner = main.found ? readStatus(main.process.pid) : undefined;
  const until = deadline.sooner(params.probe_timeout * 1000);
  const { ctlSocket } = settings;
  if (!main.found || !owner)
    return skipped(
      `Kamailio does not run; its ${ctlSocket ? `socket would be ${ctlSocket}` : `FIFO would be ${settings.fifo}`}`,
    );
  if (ctlSocket !== undefined) return overCtl(params, settings, ctlSocket, main.process.pid, owner, until);
  const foreign = () => checkOwnFifo(settings.fifo, main.process.pid, params);
  try {
    const uptime = await askUptime(settings, owner, until);
    const others = foreign();
    if (others.length > 0) return failed(others, OCF_ERR_GENERIC);
    return answers(
      `up for ${uptime} s, says ${settings.fifo}, which this Kamailio reads`,
      settings,
      params.pidfile,
    );
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const others = foreign();
    if (others.length > 0) return failed(others, OCF_ERR_GENERIC);
    const removed = removedFifo(settings.fifo, main.process.pid);
    if (removed) return failed(removed, OCF_DEGRADED);
    const remedy = suggestOtherFifo(main.process.pid, settings.fifo);
    return failed(
      error.problems.map((problem) => ({ ...problem, ...(remedy && { remedy }) })),
      OCF_ERR_GENERIC,
    );
  }
}

/** The same over the socket of Kamailio's module ctl. */
async function overCtl(
  params: Params,
  settings: ControlSettings,
  path: string,
  mainPid: number,
  owner: Owner,
  deadline: Deadline,
): Promise<Result> {
  const problems = await checkCtl(path, mainPid, deadline);
  const removed = problems.length > 0 && removedSocket(path, params);
  if (removed) return failed(removed, OCF_DEGRADED);
  if (problems.length > 0)
    return failed(
      problems.map(({ seen, remedy = '' }) => ({ seen, remedy })),
      OCF_ERR_GENERIC,
    );
  const uptime = await askUptime(settings, owner, deadline);
  return answers(
    `up for ${uptime} s, says ${path}, on which this Kamailio answers`,
    settings,
    params.pidfile,
  );
}

/** It answers; will it be there tomorrow? */
function answers(seen: string, settings: ControlSettings, pidfile: string): Result {
  const [taken] = inRuntimeDirectories(settings, pidfile);
  return taken ? warning({ ...taken, seen: `${seen}, but ${taken.seen}` }) : ok(seen);
}
