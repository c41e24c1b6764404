import { deadWorkers } from '../checks/dead-workers.ts';
import { checkControlPlane, checkPolls, NOTHING_POLLED } from '../checks/health.ts';
import { predictFailures, udpSockets } from '../checks/predictions.ts';
import { stoppedMain } from '../checks/supervision.ts';
import { isPolled } from '../checks/tools.ts';
import { untoldAccount } from '../checks/untold-account.ts';
import { usableParams } from '../checks/usable.ts';
import { checkOwnSockets } from '../checks/whose-socket.ts';
import { Failure, joinProblems, type Problem } from '../failure/failure.ts';
import type { Params } from '../interface/parameters.ts';
import { withKamailiosWords } from '../journal/journal.ts';
import { nextTurn } from '../lifetime/clock.ts';
import {
  type ExitCode,
  OCF_DEGRADED,
  OCF_ERR_GENERIC,
  OCF_NOT_RUNNING,
  OCF_SUCCESS,
} from '../ocf/exit-code.ts';
import type { Invocation } from '../ocf/invocation.ts';
import { type ParameterFault, readParamsWithFaults } from '../params/parse.ts';
import { describeProcesses, findProcesses } from '../process/instance.ts';
import { findMain, findMainByDescent, type MainProcess } from '../process/pidfile.ts';
import type { ProcessStat } from '../process/procfs.ts';
import { describeOutcome } from '../sip-probe/outcome.ts';
import { oneLine } from '../text/one-line.ts';
import { type Context, checkLevelOf } from './context.ts';
import { keepWatched } from './watched.ts';

/**
 * Returns 0 when the main process lives and every check of the level passes. Throws Failure otherwise:
 * - OCF_NOT_RUNNING when no process of the instance is left, whatever else is wrong on this node. The cluster probes each
 *   node before it starts anything, also nodes that lack what Kamailio needs.
 * - OCF_ERR_GENERIC for everything in between. The cluster stops the instance, then starts it again.
 * - OCF_DEGRADED when all answers, but something predicts a failure (level 20), or a part could not be checked because a
 *   parameter or a file that it names is unusable. The cluster shows it and does nothing.
 *
 * There is no fourth verdict. To the cluster, 2, 4, 5 and 6 of a probe are "not here": it starts a second Kamailio
 * beside the one that runs. Those of a recurring monitor take a healthy service away from its node, or end it.
 */
export async function monitor(context: Context): Promise<ExitCode> {
  try {
    return await judge(context);
  } catch (error) {
    if (!(error instanceof Failure) || error.code === OCF_DEGRADED || !isRecurring(context.invocation))
      throw error;
    const { params } = readParamsWithFaults(context.invocation);
    throw await withKamailiosWords(error, params, LOG_SINCE, context.deadline);
  }
}

/** How far back a failed monitor looks into Kamailio's log: past the last monitor that was content. */
const LOG_SINCE = '-5min';

/** A probe asks whether something runs here at all; there is no failure to explain. */
function isRecurring({ env }: Invocation): boolean {
  return Number(env.OCF_RESKEY_CRM_meta_interval) > 0;
}

async function judge(context: Context): Promise<ExitCode> {
  const { invocation, deadline, note } = context;
  const { params: identity, faults } = readParamsWithFaults(invocation);
  const main = findMainOf(identity, faults);
  note(() =>
    main.found ? `main process ${describeProcesses([main.process])}` : `no main process: ${main.why}`,
  );
  if (!main.found) throw withoutMain(identity, main.why, faults);
  const stopped = await stoppedMain(main.process, deadline);
  if (stopped.length > 0) throw new Failure(stopped, OCF_ERR_GENERIC);
  const { pid } = main.process;
  const level = checkLevelOf(invocation);
  const { params, unusable, polls } = usableParams(identity, faults);
  if (level === 0) {
    await keepWatched(context, params, pid, 'other');
    return verdict(`Kamailio runs (pid ${pid})`, unusable);
  }

  const socketsBefore = level === 20 ? udpSockets(pid) : [];
  const unchecked = polls === 'none' ? [...unusable, UNPOLLED] : [...unusable];
  const [polled, control] = await Promise.all([
    polls === 'none'
      ? NOTHING_POLLED
      : ifUsable(checkPolls(params, pid, deadline, polls === 'stand-in'), unchecked),
    // Kamailio answers the probes, which are out by then, while a FIFO for its other reply is made.
    nextTurn().then(() => ifUsable(checkControlPlane(params, pid, deadline), unchecked)),
  ]);
  unchecked.push(...(polled?.unchecked ?? []));
  for (const outcome of polled?.outcomes ?? []) note(() => `polled ${describeOutcome(outcome)}`);
  if (!isPolled(params)) note(() => 'SIP is not polled (probes=none)');
  note(() => describeControlPlane(params, control));
  const found = [...(polled?.problems ?? []), ...(control ?? [])];
  if (found.length > 0) {
    // It may have died while it was asked: that is the reason then, and nothing may be left of it.
    const now = findMainOf(identity, faults);
    if (!now.found) throw withoutMain(identity, now.why, faults);
    throw new Failure(
      // Without polls they have been looked for already.
      [...(isPolled(params) ? deadWorkers(now.process) : []), ...found, ...unchecked],
      OCF_ERR_GENERIC,
      `Kamailio runs (pid ${pid}) but is not healthy`,
    );
  }
  await keepWatched(context, params, pid, 'other');
  if (level < 20) return verdict(`Kamailio (pid ${pid}) serves`, unchecked);
  // Said, but no reason to call it degraded: whoever empties kamctlrc knows that there is no control plane.
  if (!params.kamctlrc) note(() => 'the shared memory cannot be seen, for kamctlrc is empty');
  // A control plane that cannot be asked has been reported; it is not asked for the shared memory either.
  const asked = control ? params : { ...params, kamctlrc: '' };
  const foreign = checkOwnSockets(
    (polled?.outcomes ?? []).map(({ target }) => target),
    main.process,
    params,
  );
  if (foreign.length > 0)
    throw new Failure(foreign, OCF_ERR_GENERIC, `Kamailio (pid ${pid}) was not what answered`);
  const signs = await predictFailures(asked, main.process, socketsBefore, polled?.outcomes ?? [], deadline);
  return verdict(`Kamailio (pid ${pid}) serves`, [...signs, ...unchecked]);
}

function describeControlPlane({ kamctlrc }: Params, problems: readonly Problem[] | undefined): string {
  if (!kamctlrc) return 'control plane: not asked, for kamctlrc is empty';
  if (!problems) return 'control plane: could not be asked';
  return problems.length === 0 ? 'control plane: answers' : joinProblems(problems);
}

const UNPOLLED: Problem = { seen: 'SIP is not polled, for the address, port, transport or URI is not known' };

/** What nothing speaks against is healthy. What only predicts or hides a failure must be seen, and cost nothing. */
function verdict(seen: string, reservations: readonly Problem[]): ExitCode {
  if (reservations.length === 0) return OCF_SUCCESS;
  throw new Failure(reservations, OCF_DEGRADED, `${seen}, but`);
}

/**
 * The result of a check, or undefined if it could not be done: a kamctlrc that somebody removed or that needs a shell,
 * a sipsak that an upgrade has just taken away. Why goes to `unchecked`.
 */
async function ifUsable<T>(check: Promise<T>, unchecked: Problem[]): Promise<T | undefined> {
  try {
    return await check;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    unchecked.push(...error.problems);
    return undefined;
  }
}

/** A pidfile that no start accepts (a relative path) is not opened; the processes that were started with it count. */
function findMainOf(params: Params, faults: readonly ParameterFault[]): MainProcess {
  return faults.some(({ name }) => name === 'pidfile') ? findMainByDescent(params) : findMain(params);
}

/** The pidfile leads nowhere: is anything of the instance left? Only here is the whole process table searched. */
function withoutMain(params: Params, why: string, faults: readonly ParameterFault[]): Failure {
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
