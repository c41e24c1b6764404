import { checkControlPlane } from '../checks/control-plane.ts';
import { checkPolls } from '../checks/health.ts';
import { checkOwnSockets } from '../checks/whose-socket.ts';
import { Failure, type Problem } from '../failure/failure.ts';
import type { Params } from '../interface/parameters.ts';
import { now } from '../lifetime/clock.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { OCF_ERR_GENERIC } from '../ocf/exit-code.ts';
import type { Account } from '../process/account.ts';
import { findProcesses, identify } from '../process/instance.ts';
import { findMain } from '../process/pidfile.ts';
import { readStat } from '../process/procfs.ts';
import type { Outcome } from '../sip-probe/outcome.ts';
import { hasFailed, type Launch } from './launch.ts';
import { explainFailedLaunch } from './launch-failure.ts';
import { LostStart } from './lost-start.ts';

/** While Kamailio comes up and refuses or ignores polls, ms. */
const POLL_INTERVAL_MS = 10;
/**
 * After a reply that is not 200, and a socket, ms. pike counts the requests of an address, whatever socket they come to;
 * a common limit is 16 in 2 s, and what it has banned gets no answer for minutes.
 */
const GENTLE_INTERVAL_MS = 250;
/**
 * What the last step of Kamailio's initialisation may take once its workers answer, ms. If it fails, Kamailio first ends
 * its workers, and on a busy node that takes seconds.
 */
const INITIALISATION_MS = 10_000;
/** The same below a program that launched Kamailio and lives on, such as a wrapper around `-DD`, ms. */
const WRAPPED_INITIALISATION_MS = 1000;
/** A silence this long says more than what was seen before it: a poll has been sent twice by then, ms. */
const TELLING_SILENCE_MS = 1000;

/** What one round of checks came to. */
interface Round {
  readonly problems: readonly Problem[];
  readonly outcomes: readonly Outcome[];
  readonly drained: readonly Problem[];
}

/** A Kamailio that answers. */
export interface Serving {
  /** Of its main process. */
  readonly pid: number;
  /** Sockets that are answered as probe_drained has it: Kamailio came up, but refuses new calls. */
  readonly drained: readonly Problem[];
}

/**
 * Returns once everything answers; undefined when nothing was launched and the main process that was there is gone. Throws Failure when a launched one exits, is lost, or the deadline comes.
 */
export async function waitUntilServing(
  params: Params,
  owner: Account | undefined,
  launched: Launch | undefined,
  deadline: Deadline,
): Promise<Serving | undefined> {
  const lost = launched && new LostStart(params, owner, launched, deadline);
  try {
    return await poll(params, owner, launched, lost, deadline);
  } finally {
    lost?.stop();
  }
}

async function poll(
  params: Params,
  owner: Account | undefined,
  launched: Launch | undefined,
  lost: LostStart | undefined,
  deadline: Deadline,
): Promise<Serving | undefined> {
  let problems: readonly Problem[] = [];
  let pidfileIs = '';
  let pid: number | undefined;
  let interval = POLL_INTERVAL_MS;
  for (; !deadline.passed; await deadline.pause(interval)) {
    const { end } = launched ?? {};
    if (end && hasFailed(end)) throw await explainFailedLaunch(params, owner, end, launched, deadline);

    const main = findMain(params);
    if (!main.found) {
      if (!launched) return undefined;
      pidfileIs = main.why;
      lost?.lookForForeground();
      if (!end || findProcesses(params).length > 0) continue;
      throw await explainFailedLaunch(params, owner, end, launched, deadline);
    }
    pid = main.process.pid;
    const askedAt = now();
    // A Kamailio that fails while it is asked will not answer any more, nor will one whose workers have died.
    const round = await Promise.race([
      check(params, pid, deadline),
      ...(launched ? [launched.failed] : []),
      ...(lost ? [lost.died(main.process)] : []),
    ]);
    await lost?.throwIfDead();
    if ('kind' in round) continue;
    if (round.problems.length === 0 && findMain(params).found) {
      if (launched && launched.pid !== pid) {
        const limit = deadline.pause(initialisationLimit(params, launched));
        await Promise.race([launched.ended, limit, ...(lost ? [lost.died(main.process)] : [])]);
        await lost?.throwIfDead();
      }
      if (!launched?.end || !hasFailed(launched.end)) return { pid, drained: round.drained };
      continue;
    }
    lost?.judge(round.outcomes);
    if (round.outcomes.some(({ healthy, ...outcome }) => !healthy && 'status' in outcome))
      interval = GENTLE_INTERVAL_MS * round.outcomes.length;
    // Keep the previous result if the deadline cut this round short.
    const whole = !deadline.passed || now() - askedAt >= TELLING_SILENCE_MS;
    if (whole || problems.length === 0) problems = round.problems;
  }
  // Kamailio opens its pidfile, and does not notice when the disk has no room for the number.
  const isFull = pidfileIs.endsWith(' is empty') ? ' (is its disk full?)' : '';
  const seen = problems.length > 0 ? problems : [lost?.heldUpBy() ?? { seen: `${pidfileIs}${isFull}` }];
  const about = launched
    ? 'Kamailio was started but does not serve in time'
    : `Kamailio (pid ${pid}) ran before this start and does not serve`;
  throw new Failure([...seen, launched ? TIME_IS_OVER : NOTHING_LAUNCHED], OCF_ERR_GENERIC, about);
}

/**
 * How long the end of the launcher is waited for, ms. Workers answer before the main process has initialised its modules
 * for the last time (PROC_POSTCHILDINIT), and it may fail then, for want of its database: it tells its launcher how that
 * went. A main process in the foreground (-DD) has no launcher, and a wrapper around one lives on.
 */
function initialisationLimit(params: Params, { pid }: Launch): number {
  return pid !== undefined && identify(pid, params) ? INITIALISATION_MS : WRAPPED_INITIALISATION_MS;
}

/** The polls first: while Kamailio comes up they are refused at no cost, but a FIFO for the reply costs a process. */
async function check(given: Params, pid: number, deadline: Deadline): Promise<Round> {
  // A start asks again and again by itself.
  const params = { ...given, probe_tries: 1 };
  const { problems, targets, outcomes, drained, unchecked } = await checkPolls(params, pid, deadline);
  const lacking = [...problems, ...unchecked];
  if (lacking.length > 0) return { problems: lacking, outcomes, drained };
  const control = await checkControlPlane(params, pid, deadline, true);
  const uncontrolled = [...control.problems, ...control.unchecked];
  if (uncontrolled.length > 0) return { problems: uncontrolled, outcomes, drained };
  const main = readStat(pid);
  return { problems: main ? checkOwnSockets(targets, main, params).problems : [], outcomes, drained };
}

const TIME_IS_OVER: Problem = {
  seen: 'the time is over',
  remedy: 'if it only needs longer, raise the timeout of the start operation',
};
const NOTHING_LAUNCHED: Problem = {
  seen: 'this start has launched nothing and left it alone',
  remedy: 'stop the resource, then start it',
};
