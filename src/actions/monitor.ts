import { type Answers, askKamailio } from '../checks/answers.ts';
import { deadWorkers } from '../checks/dead-workers.ts';
import { stoppedMain } from '../checks/supervision.ts';
import { isPolled } from '../checks/tools.ts';
import { type Usable, usableParams } from '../checks/usable.ts';
import { Failure, type Problem } from '../failure/failure.ts';
import type { Params } from '../interface/parameters.ts';
import { type ExitCode, OCF_DEGRADED, OCF_ERR_GENERIC, OCF_SUCCESS } from '../ocf/exit-code.ts';
import type { Invocation } from '../ocf/invocation.ts';
import { type ParameterFault, readParamsWithFaults } from '../params/parse.ts';
import { describeProcesses } from '../process/instance.ts';
import { findMain, findMainByDescent } from '../process/pidfile.ts';
import type { ProcessStat } from '../process/procfs.ts';
import type { Note } from '../tracing/note.ts';
import { type Context, checkLevelOf } from './context.ts';
import { keepWatched } from './watched.ts';

/**
 * Returns 0 when the main process lives and every check of the level passes. Throws Failure otherwise:
 * - OCF_NOT_RUNNING when no process of the instance is left, whatever else is wrong on this node. The cluster probes each
 *   node before it starts anything, also nodes that lack what Kamailio needs.
 * - OCF_ERR_GENERIC for everything in between. The cluster stops the instance, then starts it again.
 * - OCF_DEGRADED when all answers, but an operator drains it (probe_drained), something predicts a failure (level 20), or
 *   a part could not be checked because a parameter or a file that it names is unusable. The cluster shows it and does
 *   nothing.
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
    const { withKamailiosWords } = await import('../journal/journal.ts');
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
  const main = await livingMain(identity, faults, note);
  note(() => `main process ${describeProcesses([main])}`);
  const stopped = await stoppedMain(main, deadline);
  if (stopped.length > 0) throw new Failure(stopped, OCF_ERR_GENERIC);
  const usable = usableParams(identity, faults);
  const level = checkLevelOf(invocation);
  if (level === 0) {
    await keepWatched(context, usable.params, main.pid, 'other');
    return verdict(`Kamailio runs (pid ${main.pid})`, usable.unusable);
  }
  const predictions = level === 20 ? await import('../checks/predictions.ts') : undefined;
  const socketsBefore = predictions?.udpSockets(main.pid) ?? [];
  const answers = await askKamailio(usable, main, level, deadline, note);
  // It may have died while it was asked: that is the reason then, and nothing may be left of it.
  if (answers.problems.length > 0) {
    const living = await livingMain(identity, faults, note);
    // A poll may have taken all of the time: then the verdict goes first, before the executor loses patience.
    if (!deadline.passed) (await import('./evidence.ts')).logHang(answers, living, identity, context.log);
    throw unhealthy(usable, living, answers);
  }
  await keepWatched(context, usable.params, main.pid, 'other');
  // Said, but no reason to call it degraded: whoever empties kamctlrc knows that there is no control plane.
  if (level === 20 && !usable.params.kamctlrc)
    note(() => 'the shared memory cannot be seen, for kamctlrc is empty');
  // A control plane that cannot be asked has been reported; it is not asked for the shared memory either.
  const asked = answers.isControlled ? usable.params : { ...usable.params, kamctlrc: '' };
  const signs =
    (await predictions?.predictFailures(asked, main, socketsBefore, answers.outcomes, deadline)) ?? [];
  return verdict(`Kamailio (pid ${main.pid}) serves`, [...signs, ...answers.unchecked]);
}

/** The main process. Throws Failure, OCF_NOT_RUNNING or OCF_ERR_GENERIC, if it is not known. */
async function livingMain(
  identity: Params,
  faults: readonly ParameterFault[],
  note: Note,
): Promise<ProcessStat> {
  // A pidfile that no start accepts (a relative path) is not opened; the processes that were started with it count.
  const isUnusable = faults.some(({ name }) => name === 'pidfile');
  const main = isUnusable ? findMainByDescent(identity) : findMain(identity);
  if (main.found) return main.process;
  note(() => `no main process: ${main.why}`);
  throw (await import('./without-main.ts')).withoutMain(identity, main.why, faults);
}

function unhealthy({ params }: Usable, main: ProcessStat, { problems, unchecked }: Answers): Failure {
  return new Failure(
    // Without polls they have been looked for already.
    [...(isPolled(params) ? deadWorkers(main) : []), ...problems, ...unchecked],
    OCF_ERR_GENERIC,
    `Kamailio runs (pid ${main.pid}) but is not healthy`,
  );
}

/** What nothing speaks against is healthy. What only predicts or hides a failure must be seen, and cost nothing. */
function verdict(seen: string, reservations: readonly Problem[]): ExitCode {
  if (reservations.length === 0) return OCF_SUCCESS;
  throw new Failure(reservations, OCF_DEGRADED, `${seen}, but`);
}
