import { dirname } from 'node:path';
import { controlSettings } from '../checks/control-settings.ts';
import { removeSpare, sweepLeavings } from '../checks/leavings.ts';
import { asFailure, checkNode } from '../checks/node.ts';
import { rememberUntold } from '../checks/untold-account.ts';
import { holdersBeforeStart } from '../checks/whose-socket.ts';
import { Failure, joinProblems } from '../failure/failure.ts';
import { runtimeOption } from '../interface/kamailio-options.ts';
import type { Params } from '../interface/parameters.ts';
import { withKamailiosWords } from '../journal/journal.ts';
import { kamailioArguments } from '../launch/command-line.ts';
import { type Launch, launch } from '../launch/launch.ts';
import { type Serving, waitUntilServing } from '../launch/serving.ts';
import { Tries } from '../launch/tries.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { type ExitCode, OCF_ERR_GENERIC, OCF_ERR_PERM, OCF_SUCCESS } from '../ocf/exit-code.ts';
import type { Log } from '../ocf/log.ts';
import { readParams } from '../params/parse.ts';
import { removeAbandonedFifo } from '../process/abandoned-fifo.ts';
import type { Account } from '../process/account.ts';
import { forgetUid } from '../process/account-note.ts';
import { ensureDirectory } from '../process/directory.ts';
import { describeProcesses, findProcesses } from '../process/instance.ts';
import { takeLock } from '../process/lock.ts';
import { findMain } from '../process/pidfile.ts';
import { removePidfile } from '../process/remove-pidfile.ts';
import { terminateInstance } from '../process/terminate.ts';
import type { Context } from './context.ts';
import { keepWatched } from './watched.ts';

/** Kept back for ending what a failed start leaves, ms; no more than a quarter of what there is. */
const CLEANUP_MS = 5000;

/**
 * Starts the instance and returns 0 when every probe and the control plane answer; also when they do
 * already. Fails at once when Kamailio exits, with Kamailio's own words, and ends what it has launched; but launches it
 * again while the reason can pass (see `Tries`).
 * Throws Failure.
 */
export async function start({ invocation, log, deadline, note }: Context): Promise<ExitCode> {
  const params = readParams(invocation);
  const owner = await checkNode(params);
  sweepLeavings(params);
  const serving = deadline.earlier(Math.min(CLEANUP_MS, deadline.remaining / 4));
  await beTheOnlyOne(params, log, serving);

  // A main process that lives without answering may still come up: somebody else has just launched it.
  const earlier = findMain(params);
  note(() =>
    earlier.found ? `main process ${describeProcesses([earlier.process])} runs already` : earlier.why,
  );
  const found = earlier.found ? await waitUntilServing(params, owner, undefined, serving) : undefined;
  if (found) {
    warn(params, found, log);
    await keepWatched({ invocation, log }, params, found.pid, 'start');
    log.done(`Kamailio already runs (pid ${found.pid})`);
    return OCF_SUCCESS;
  }
  await clearLeftovers(params, log, serving);
  const inTheWay = await holdersBeforeStart(params, serving);
  if (inTheWay.length > 0) throw new Failure(inTheWay, OCF_ERR_GENERIC);
  await makeDirectories(params, owner);
  log.debug(`command line: ${[params.binary, ...kamailioArguments(params)].join(' ')}`);
  const startedAt = Math.floor(Date.now() / 1000);
  const tries = new Tries(serving);
  for (;;) {
    note(() => `launching ${params.binary} as ${owner?.name ?? 'the calling account'}`);
    const launched = launch(params.binary, kamailioArguments(params), owner, params.environment);
    try {
      const started = await waitUntilServing(params, owner, launched, serving);
      if (started) {
        warn(params, started, log);
        launched.releaseServing(started.pid, serving);
      }
      await keepWatched({ invocation, log }, params, started?.pid, 'start');
      log.done(`Kamailio is started (pid ${started?.pid})`);
      return OCF_SUCCESS;
    } catch (error) {
      await endLaunched(params, owner, launched, deadline);
      if (!(await tries.again(error))) {
        launched.releaseFailed(deadline);
        throw await withKamailiosWords(error, params, `@${startedAt}`, deadline);
      }
      const why = error instanceof Error ? error.message : error;
      log.warn(`launching Kamailio again, for what made it fail may have passed: ${why}`);
    } finally {
      launched.release();
    }
  }
}

/** Takes the instance's lock: beside another start, each would take the other's Kamailio for a leftover. Throws Failure. */
async function beTheOnlyOne({ pidfile }: Params, log: Log, deadline: Deadline): Promise<void> {
  const holder = await takeLock(pidfile, deadline, (other) =>
    log.info(`waiting for another start or stop of this instance, ${other} (pidfile ${pidfile})`),
  );
  if (!holder) return;
  throw new Failure(
    {
      seen: `another start or stop of this instance, ${holder}, did not end in time; this start has launched nothing`,
      remedy: 'see what it waits for, with `ps` and the cluster log, and end it if it hangs',
    },
    OCF_ERR_GENERIC,
  );
}

/** What a start that succeeded leaves to be mended. */
function warn(params: Params, { pid, drained }: Serving, log: Log): void {
  const untold = rememberUntold(params, pid);
  if (untold) log.warn(untold);
  if (drained.length > 0) log.warn(`Kamailio (pid ${pid}) serves, but ${joinProblems(drained)}`);
}

/** A main process that crashed may have left children that hold the sockets, and a pidfile that Kamailio would heed. */
async function clearLeftovers(params: Params, log: Log, deadline: Deadline): Promise<void> {
  if (findProcesses(params).length > 0) {
    log.warn(
      `processes of an earlier Kamailio live without a main process (pidfile ${params.pidfile}); ending them`,
    );
    const { survivors } = await terminateInstance(params, deadline.earlier(deadline.remaining / 2), deadline);
    if (survivors.length > 0) {
      throw new Failure(
        {
          seen: `processes of an earlier Kamailio outlived SIGKILL: pid ${describeProcesses(survivors)}`,
          remedy: 'see `dmesg`',
        },
        OCF_ERR_GENERIC,
      );
    }
  }
}

/** /run is empty after a boot: the directories of the pidfile and of the control plane are made, a stale pidfile goes. */
async function makeDirectories(params: Params, owner: Account | undefined): Promise<void> {
  asFailure(() => ensureDirectory(dirname(params.pidfile), owner, 'checked'));
  const runtime = runtimeOption(params.extra_options);
  if (runtime?.startsWith('/')) asFailure(() => ensureDirectory(runtime, owner, 'as it is'));
  if (params.kamctlrc) {
    const { fifo, ctlSocket } = controlSettings(params);
    asFailure(() => ensureDirectory(dirname(ctlSocket ?? fifo), owner, 'as it is'));
    if (ctlSocket === undefined && !findMain(params).found) removeAbandonedFifo(fifo, owner);
  }
  if (findMain(params).found) return;
  const inTheWay = removePidfile(params.pidfile, owner);
  if (inTheWay) throw new Failure({ seen: inTheWay, remedy: 'remove it by hand' }, OCF_ERR_PERM);
}

/** Ends what a failed start has launched, and nothing else: an instance that somebody else started may serve callers. */
async function endLaunched(
  params: Params,
  owner: Account | undefined,
  { owns }: Launch,
  deadline: Deadline,
): Promise<void> {
  await terminateInstance(params, deadline.earlier(deadline.remaining / 2), deadline, { only: owns });
  if (findProcesses(params).length > 0) return;
  removePidfile(params.pidfile, owner);
  removeSpare(params);
  forgetUid(params.pidfile);
}
