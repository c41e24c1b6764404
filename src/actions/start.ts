import { dirname } from 'node:path';
import { controlSettings, removeSpare, sweepLeavings } from '../checks/control-settings.ts';
import { checkControlPlane, checkProbes } from '../checks/health.ts';
import { explainFailedLaunch } from '../checks/launch-failure.ts';
import { asFailure, checkNode } from '../checks/node.ts';
import { now } from '../clock.ts';
import type { Deadline } from '../deadline.ts';
import { Failure, type Problem } from '../failure.ts';
import { ExitCode } from '../ocf/exit-code.ts';
import type { Log } from '../ocf/log.ts';
import { readParams } from '../params/parse.ts';
import type { Params } from '../params/table.ts';
import type { Account } from '../process/account.ts';
import { kamailioArguments } from '../process/command-line.ts';
import { ensureDirectory } from '../process/directory.ts';
import { endProcesses } from '../process/end.ts';
import { describeProcesses, findProcesses } from '../process/instance.ts';
import { hasFailed, type Launch, launch } from '../process/launch.ts';
import { findMain, removePidfile } from '../process/pidfile.ts';
import type { Context } from './context.ts';

/** Between two looks at a Kamailio that comes up, ms. */
const LOOK_EVERY_MS = 10;
/** A silence this long says more than what was seen before it: a poll has been sent twice by then, ms. */
const TELLING_SILENCE_MS = 1000;
/** Kept back for ending what a failed start leaves, ms; no more than a quarter of what there is. */
const CLEANUP_MS = 5000;

/**
 * Starts the instance and returns 0 when every probe and the control plane answer; also when they do
 * already. Fails at once when Kamailio exits, with Kamailio's own words, and leaves nothing running.
 * Throws Failure.
 */
export async function run({ invocation, log, deadline }: Context): Promise<ExitCode> {
  const params = readParams(invocation);
  const owner = await checkNode(params);
  sweepLeavings(params);
  const serving = deadline.earlier(Math.min(CLEANUP_MS, deadline.remaining / 4));

  const running = findMain(params);
  if (!running.found) await clearLeftovers(params, log, serving);
  else if (await isHealthy(params, running.process.pid, serving)) {
    log.done(`Kamailio already runs (pid ${running.process.pid})`);
    return ExitCode.success;
  }

  await makeDirectories(params, owner);
  log.debug(`command line: ${[params.binary, ...kamailioArguments(params)].join(' ')}`);
  // A main process that lives without answering may be one that another start has just launched: wait for it.
  const launched = running.found ? undefined : launch(params.binary, kamailioArguments(params), owner);
  try {
    const pid = await waitUntilServing(params, owner, launched, serving);
    log.done(`Kamailio is started (pid ${pid})`);
    return ExitCode.success;
  } catch (error) {
    await leaveNothing(params, owner, deadline);
    throw error;
  } finally {
    launched?.release();
  }
}

async function isHealthy(params: Params, pid: number, deadline: Deadline): Promise<boolean> {
  return (await problemsOf(params, pid, deadline)).length === 0;
}

/** The probes first: while Kamailio comes up they are refused at no cost, but a FIFO for the reply costs a process. */
async function problemsOf(params: Params, pid: number, deadline: Deadline): Promise<readonly Problem[]> {
  const { problems } = await checkProbes(params, deadline);
  return problems.length > 0 ? problems : checkControlPlane(params, pid, deadline, true);
}

/** A main process that crashed may have left children that hold the sockets, and a pidfile that Kamailio would heed. */
async function clearLeftovers(params: Params, log: Log, deadline: Deadline): Promise<void> {
  if (findProcesses(params).length > 0) {
    log.warn(
      `processes of an earlier Kamailio live without a main process (pidfile ${params.pidfile}); ending them`,
    );
    const { survivors } = await endProcesses(params, deadline.earlier(deadline.remaining / 2), deadline);
    if (survivors.length > 0) {
      throw new Failure(
        {
          seen: `processes of an earlier Kamailio outlived SIGKILL: pid ${describeProcesses(survivors)}`,
          remedy: 'see `dmesg`',
        },
        ExitCode.generic,
      );
    }
  }
}

/** /run is empty after a boot: the directories of the pidfile and of the control FIFO are made, a stale pidfile goes. */
async function makeDirectories(params: Params, owner: Account | undefined): Promise<void> {
  asFailure(() => ensureDirectory(dirname(params.pidfile), owner, 'checked'));
  if (params.kamctlrc) {
    const { fifo } = controlSettings(params);
    asFailure(() => ensureDirectory(dirname(fifo), owner, 'as it is'));
  }
  if (findMain(params).found) return;
  const inTheWay = removePidfile(params.pidfile, owner);
  if (inTheWay) throw new Failure({ seen: inTheWay, remedy: 'remove it by hand' }, ExitCode.permission);
}

/** Returns the pid of the main process once everything answers. Throws Failure when it exits or the deadline comes. */
async function waitUntilServing(
  params: Params,
  owner: Account | undefined,
  launched: Launch | undefined,
  deadline: Deadline,
): Promise<number> {
  let problems: readonly Problem[] = [];
  let pidfileIs = '';
  for (; !deadline.passed; await deadline.pause(LOOK_EVERY_MS)) {
    const { end } = launched ?? {};
    if (end && hasFailed(end)) throw await explainFailedLaunch(params, owner, end, launched, deadline);

    const main = findMain(params);
    if (!main.found) {
      pidfileIs = main.why;
      const starting = launched && !end;
      if (starting || findProcesses(params).length > 0) continue;
      throw await explainFailedLaunch(params, owner, end, launched, deadline);
    }
    const askedAt = now();
    const checked = problemsOf(params, main.process.pid, deadline);
    // A Kamailio that fails while it is asked will not answer any more.
    const round = await Promise.race([checked, launched?.failed ?? checked]);
    if ('kind' in round) continue;
    if (round.length === 0 && findMain(params).found) return main.process.pid;
    // A round that the deadline cut off soon knows less than the one before.
    const whole = !deadline.passed || now() - askedAt >= TELLING_SILENCE_MS;
    if (whole || problems.length === 0) problems = round;
  }
  // Kamailio opens its pidfile, and does not notice when the disk has no room for the number.
  const isFull = pidfileIs.endsWith(' is empty') ? ' (is its disk full?)' : '';
  throw new Failure(
    [
      ...(problems.length > 0 ? problems : [{ seen: `${pidfileIs}${isFull}` }]),
      {
        seen: 'the time is over',
        remedy: 'if it only needs longer, raise the timeout of the start operation',
      },
    ],
    ExitCode.generic,
    'Kamailio was started but does not serve in time',
  );
}

async function leaveNothing(params: Params, owner: Account | undefined, deadline: Deadline): Promise<void> {
  await endProcesses(params, deadline.earlier(deadline.remaining / 2), deadline);
  removePidfile(params.pidfile, owner);
  removeSpare(params);
}
