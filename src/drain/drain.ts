import { checkPolls } from '../checks/health.ts';
import { usableParams } from '../checks/usable.ts';
import { Failure } from '../failure/failure.ts';
import type { Params } from '../interface/parameters.ts';
import { describeCall } from '../interface/rpc-call.ts';
import { now } from '../lifetime/clock.ts';
import { Deadline } from '../lifetime/deadline.ts';
import type { Invocation } from '../ocf/invocation.ts';
import type { Log } from '../ocf/log.ts';
import { readParamsWithFaults } from '../params/parse.ts';
import { findMain } from '../process/pidfile.ts';
import { isSameProcess, type ProcessStat, readStat } from '../process/procfs.ts';
import { type CallControl, callControl, countCalls } from './calls-left.ts';
import { timeToDrain } from './time.ts';

/** Between two questions for the calls that are left: each locks all of Kamailio's dialogs, one after the other, ms. */
const ASK_EVERY_MS = 1000;
/** After so many questions in a row without an answer Kamailio counts as unable to say. */
const MOST_FAILURES = 3;
/** How often the log says how many calls are left, ms. */
const LOG_EVERY_MS = 30_000;

/**
 * Has Kamailio refuse new calls (parameter drain) and waits until the last one has ended, until drain_timeout is over,
 * or as long as the stop's timeout allows, in ms. Never throws: whatever keeps Kamailio from being drained goes into the
 * log, and the stop goes on.
 */
export async function drain(invocation: Invocation, timeoutMs: number, log: Log): Promise<void> {
  try {
    const { params: given, faults } = readParamsWithFaults(invocation);
    const own = faults.filter(({ name }) => name === 'drain' || name === 'pidfile');
    if (own.length > 0) throw new Failure(own.flatMap(({ problems }) => problems));
    const { params, polls } = usableParams(given, faults);
    const main = findMain(params);
    // It has crashed, or was never there: no call can go on over it.
    if (!main.found) return;
    const latest = Deadline.sinceStart(1000 * timeToDrain(timeoutMs / 1000, params.stop_grace));
    const until = params.drain_timeout === undefined ? latest : latest.sooner(params.drain_timeout * 1000);
    const control = await beginDrain(params, main.process, log, until);
    if (polls !== 'none') await checkThatItServes(params, main.process.pid, log, until);
    await untilNoCall(control, main.process, log, until);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    log.warn(`not drained, and the stop goes on: ${why}`);
  }
}

async function beginDrain(
  params: Params,
  { pid }: ProcessStat,
  log: Log,
  until: Deadline,
): Promise<CallControl> {
  const control = await callControl(params, pid, until);
  if (!params.drain) return control;
  await control.ask(params.drain);
  const patience = `up to ${Math.round(until.remaining / 1000)} s`;
  log.info(
    `draining Kamailio (pid ${pid}): it took \`${describeCall(params.drain)}\`; the stop waits ${patience} for its calls`,
  );
  return control;
}

/** Nobody waits for calls that a hung Kamailio cannot end: the cluster stops it so that they go on elsewhere. */
async function checkThatItServes(params: Params, pid: number, log: Log, until: Deadline): Promise<void> {
  // sipsak does not tell a refusal from silence, and a refusal is a sign of life here.
  const { problems, drained } = await checkPolls({ ...params, monitor_tools: 'builtin' }, pid, until, true);
  if (problems.length > 0) throw new Failure(problems);
  // Kamailio takes a call with an argument too few, or for a variable that its routes do not read, as well.
  if (params.probe_drained.length > 0 && drained.length === 0)
    log.warn(
      `Kamailio (pid ${pid}) is to be drained, but answers polls as before: do drain and kamailio.cfg name the same variable?`,
    );
}

/** Waits for the last call. Throws nothing that keeps a stop from going on; says how many calls are left in any case. */
async function untilNoCall(
  control: CallControl,
  main: ProcessStat,
  log: Log,
  until: Deadline,
): Promise<void> {
  let left: number | undefined;
  let failures = 0;
  let loggedAt = Number.NEGATIVE_INFINITY;
  for (; !until.passed; await until.pause(ASK_EVERY_MS)) {
    if (!isSameProcess(readStat(main.pid), main))
      return log.warn(`Kamailio (pid ${main.pid}) ended while it was drained: ${lastCount(left)}`);
    try {
      const before = left;
      left = await control.callsLeft();
      failures = 0;
      // The answer to the last BYE may still be on its way when the dialog module has forgotten the call.
      if (left === 0 && (before ?? 0) === 0) return log.info('drained: no call is left');
    } catch (error) {
      failures += 1;
      if (!(error instanceof Failure)) throw error;
      if (failures < MOST_FAILURES) continue;
      return log.warn(
        `the stop goes on, for Kamailio does not say how many calls are left: ${error.message}`,
      );
    }
    if (left === 0 || now() - loggedAt < LOG_EVERY_MS) continue;
    loggedAt = now();
    log.info(`draining: ${lastCount(left)}, ${Math.round(until.remaining / 1000)} s to go`);
  }
  log.warn(
    `the time to drain is over and the stop goes on: ${lastCount(left)}; if that is too early, raise drain_timeout and the timeout of the stop operation`,
  );
}

function lastCount(left: number | undefined): string {
  return left === undefined ? 'how many calls are left is not known' : `${countCalls(left)} left`;
}
