import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { removeSpare } from '../checks/leavings.ts';
import { stillAnswering } from '../checks/whose-socket.ts';
import { Failure } from '../failure/failure.ts';
import { isExhaustion } from '../failure/system-error.ts';
import { nextTurn } from '../lifetime/clock.ts';
import { Deadline } from '../lifetime/deadline.ts';
import { type ExitCode, OCF_ERR_GENERIC, OCF_ERR_PERM, OCF_SUCCESS } from '../ocf/exit-code.ts';
import type { Log } from '../ocf/log.ts';
import { readParamsForStop, type StopParams } from '../params/for-stop.ts';
import { type Account, findAccount } from '../process/account.ts';
import { forgetUid } from '../process/account-note.ts';
import { removeIfEmpty } from '../process/directory.ts';
import { checkDirectory } from '../process/directory-check.ts';
import { describeProcesses } from '../process/instance.ts';
import { awaitLock, tryLock } from '../process/lock.ts';
import { removePidfile } from '../process/remove-pidfile.ts';
import { type Termination, terminateInstance } from '../process/terminate.ts';
import { type Context, operationTimeout } from './context.ts';
import { drainFirst } from './drain-first.ts';
import { endWatched } from './watched.ts';

/** Kept back from the operation's timeout for SIGKILL and the verdict, ms. */
const RESERVE_MS = 5000;
/** Kept back for SIGKILL and the verdict after a stop_grace, ms. */
const KILL_MS = 1000;
/** Between two attempts to look at the processes, when the kernel has nothing left to do it with, ms. */
const RETRY_MS = 100;

/**
 * Ends the instance; 0 when nothing of it is left, also when nothing was there. A stop that fails gets
 * the node fenced, so no parameter, missing file or broken configuration makes it refuse.
 * Throws Failure OCF_ERR_GENERIC that names what survived SIGKILL, or OCF_ERR_PERM.
 */
export async function stop(context: Context): Promise<ExitCode> {
  const { invocation, log, deadline, note } = context;
  const params = readParamsForStop(invocation);
  await letOthersFinish(params, log, deadline);
  log.debug(`ending the processes that were started with -P ${params.pidfile}`);
  // A start that comes now waits until this stop is through.
  setImmediate(tryLock, params.pidfile);
  await endWatched(params.pidfile);
  await drainFirst(context, params);
  // All of it is done while Kamailio terminates; a stop that finds nothing returns without loading what it takes.
  const tidied = nextTurn().then(() => removeSpare(params));
  setImmediate(log.prepare);
  const grace = graceOf(params, operationTimeout(invocation), deadline);
  const ending = await end(params, grace, deadline, log);
  await tidied;
  note(
    () =>
      `processes found: ${ending.found}, left: ${describeProcesses(ending.survivors) || 'none'}${ending.killedBecause ? `, killed: ${ending.killedBecause}` : ''}`,
  );
  if (ending.survivors.length > 0) throw survived(ending);
  if (ending.killedBecause)
    log.warn(`Kamailio (pidfile ${params.pidfile}) was killed: ${ending.killedBecause}`);
  const left = params.pidfileUsable ? removeFiles(params) : undefined;
  if (left) log.warn(left);
  forgetUid(params.pidfile);
  const other = otherHolder(params);
  if (other) log.warn(`${other}, which is not this instance: it still answers callers there`);
  if (ending.found > 0)
    log.done(`Kamailio is stopped: ${ending.found} processes ended (pidfile ${params.pidfile})`);
  return OCF_SUCCESS;
}

/**
 * Waits for a start (or another stop) of this instance that is at work: what it launches would outlive this stop. It
 * may hang, and a stop never refuses: with the time left that terminating takes, this one goes on beside it.
 */
async function letOthersFinish(params: StopParams, log: Log, deadline: Deadline): Promise<void> {
  const { pidfile, stop_grace } = params;
  const half = deadline.earlier(deadline.remaining / 2);
  const patience =
    stop_grace === undefined ? half : half.sooner(deadline.earlier(KILL_MS + stop_grace * 1000).remaining);
  const holder = await awaitLock(pidfile, patience, (other) =>
    log.info(`waiting for another start or stop of this instance, ${other} (pidfile ${pidfile})`),
  );
  if (holder)
    log.warn(`${holder} is still at work on this instance (pidfile ${pidfile}); stopping it all the same`);
}

/**
 * Removes the pidfile, and its directory where that is the default one; but not through a link or a directory with
 * which a stranger leads root to a file of that name elsewhere. Returns what is left and why.
 */
function removeFiles({ pidfile, pidfileIsDefault, kamuser }: StopParams): string | undefined {
  const directory = dirname(pidfile);
  let owner: Account | undefined;
  try {
    // The name service may be away, and the node out of descriptors: no reason for a stop to fail.
    owner = kamuser ? findAccount(kamuser) : undefined;
    checkDirectory(directory, owner);
  } catch (error) {
    return existsSync(pidfile)
      ? `the pidfile ${pidfile} is left: ${error instanceof Error ? error.message : error}`
      : undefined;
  }
  const left = removePidfile(pidfile, owner);
  if (pidfileIsDefault) removeIfEmpty(directory);
  return left;
}

/** What holds the service's UDP socket now. Whether it can be seen is nothing that a stop depends on. */
function otherHolder({ udpAddress, port }: StopParams): string | undefined {
  try {
    return udpAddress && port !== undefined ? stillAnswering(udpAddress, port) : undefined;
  } catch {
    return undefined;
  }
}

function graceOf(params: StopParams, timeoutMs: number, deadline: Deadline): Deadline {
  // A short timeout is shared evenly: half to terminate, half to kill.
  const latest = Deadline.sinceStart(Math.max(timeoutMs - RESERVE_MS, timeoutMs / 2));
  if (params.stop_grace === undefined) return latest;
  // Cores take their time, too.
  const reserveMs = params.core_on_kill ? Math.min(RESERVE_MS, deadline.remaining / 2) : KILL_MS;
  return deadline.earlier(reserveMs).sooner(params.stop_grace * 1000);
}

async function end(params: StopParams, grace: Deadline, deadline: Deadline, log: Log): Promise<Termination> {
  try {
    return await terminateInstance(params, grace, deadline, {
      graceHolds: params.stop_grace !== undefined,
      beforeKill: async (left) => {
        const { keepEvidence } = await import('./evidence.ts');
        await keepEvidence(params, left, log, deadline);
      },
    });
  } catch (error) {
    // A node that has no descriptors left at this moment may have some in the next, and fencing it is the worst way.
    if (isExhaustion(error) && !deadline.passed) {
      await deadline.pause(RETRY_MS);
      return end(params, grace, deadline, log);
    }
    throw error instanceof Failure ? error.as(OCF_ERR_PERM) : error;
  }
}

function survived({ survivors }: Termination): Failure {
  return new Failure(
    {
      seen: `Kamailio processes outlived SIGKILL: pid ${describeProcesses(survivors)}`,
      remedy:
        'state D is a wait for a disk or network file system that does not answer: see `dmesg` and /proc/PID/stack',
    },
    OCF_ERR_GENERIC,
  );
}
