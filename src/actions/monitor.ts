import { checkControlPlane, checkProbes } from '../checks/health.ts';
import { predictFailures, udpSockets } from '../checks/predictions.ts';
import { checkTools } from '../checks/tools.ts';
import { nextTurn } from '../clock.ts';
import { Failure } from '../failure.ts';
import { ExitCode } from '../ocf/exit-code.ts';
import { readParams } from '../params/parse.ts';
import type { Params } from '../params/table.ts';
import { findProcesses, isStopped } from '../process/instance.ts';
import { findMain } from '../process/pidfile.ts';
import type { ProcessStat } from '../process/procfs.ts';
import { type Context, checkLevelOf } from './context.ts';

/**
 * Returns 0 when the main process lives and every check of the level passes. Throws Failure: `notRunning`
 * when no process of the instance is left, `generic` for everything in between (a half-dead Kamailio must
 * never count as "not running": the cluster would start a second one beside it), and at level 20
 * `degraded` when all answers but something predicts a failure.
 */
export async function run({ invocation, deadline }: Context): Promise<ExitCode> {
  const params = readParams(invocation);
  const level = checkLevelOf(invocation);
  const main = findMain(params);
  if (!main.found) throw withoutMain(params, main.why);
  // A stopped Kamailio (SIGSTOP, a debugger) answers nobody; there is no need to wait for that.
  if (isStopped(main.process)) throw stopped(main.process);
  if (level === 0) return ExitCode.success;

  // Before anything is asked: a verdict without its tools must not leave half of them at work.
  checkTools(params);
  const socketsBefore = level === 20 ? udpSockets(main.process.pid) : [];
  const [{ problems, outcomes }, control] = await Promise.all([
    checkProbes(params, deadline),
    // Kamailio answers the probes, which are out by then, while a FIFO for its other reply is made.
    nextTurn().then(() => checkControlPlane(params, main.process.pid, deadline)),
  ]);
  const found = [...problems, ...control];
  if (found.length > 0) {
    // It may have died while it was asked: that is the reason then, and nothing may be left of it.
    const now = findMain(params);
    if (!now.found) throw withoutMain(params, now.why);
    throw new Failure(found, ExitCode.generic, `Kamailio runs (pid ${main.process.pid}) but is not healthy`);
  }
  if (level < 20) return ExitCode.success;
  const signs = await predictFailures(params, main.process, socketsBefore, outcomes, deadline);
  if (signs.length === 0) return ExitCode.success;
  throw new Failure(signs, ExitCode.degraded, `Kamailio (pid ${main.process.pid}) serves, but`);
}

/** The pidfile leads nowhere: is anything of the instance left? Only here is the whole process table searched. */
function withoutMain(params: Params, why: string): Failure {
  const left = findProcesses(params);
  if (left.length === 0) {
    return new Failure(
      { seen: `not running: ${why}, and no process was started with -P ${params.pidfile}` },
      ExitCode.notRunning,
    );
  }
  // The main process crashed and left its children, or the pidfile was lost: a start here would collide
  // with them, so the cluster is told "failed" and stops the instance first.
  return new Failure(
    {
      seen: `the main process is not known (${why}), but ${left.length} processes of the instance live: pid ${pidList(left)}`,
      remedy: 'a stop removes them all',
    },
    ExitCode.generic,
  );
}

function stopped(process: ProcessStat): Failure {
  return new Failure(
    {
      seen: `main process ${process.pid} is stopped (state ${process.state}: SIGSTOP or a debugger) and serves nobody`,
      remedy: `\`kill -CONT ${process.pid}\` lets it go on, a stop ends it`,
    },
    ExitCode.generic,
  );
}

/** Up to eight pids, so that a reason stays one line. */
function pidList(processes: readonly ProcessStat[]): string {
  const pids = processes.slice(0, 8).map((process) => process.pid);
  return pids.join(', ') + (processes.length > pids.length ? ', ...' : '');
}
