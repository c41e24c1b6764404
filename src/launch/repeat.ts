import { checkPolls } from '../checks/health.ts';
import type { Params } from '../interface/parameters.ts';
import { now } from '../lifetime/clock.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import type { Account } from '../process/account.ts';
import { findMain } from '../process/pidfile.ts';
import { terminateInstance } from '../process/terminate.ts';
import { kamailioArguments } from './command-line.ts';
import { errorLines, type Launch, launch } from './launch.ts';

/** What a launch came to when it was repeated in the foreground. */
export interface Repetition {
  /** Kamailio's own error lines. */
  readonly words: readonly string[];
  /** It answers every poll: what made the launch before it fail has passed. */
  readonly serves: boolean;
}

/** How long Kamailio is given to repeat its mistake in the foreground, ms. */
const REPEAT_MS = 5000;
/** One that has said what is wrong, and does not exit, says no more after so long, ms. */
const QUIET_MS = 700;
/** One that does not serve has nothing to save, and often does not heed SIGTERM: it gets that long to terminate, ms. */
const LOST_MS = 1000;
const POLL_INTERVAL_MS = 20;
/** Between two looks at whether it serves, and what one may take, ms: pike bans who asks more often. */
const LOOK_INTERVAL_MS = 300;

/**
 * Kamailio logs to syslog unless its configuration says otherwise, where the agent cannot see it. So it is
 * started once more with the same options, in the foreground and logging to stderr (-DD -E): what made it
 * fail does so again, and is heard, also if it does not exit: its workers may die and leave the main process. If it
 * serves this time (a database that was a moment late) it is ended all the same: its command line is not the
 * instance's, and neither agent would know it in a cluster of both. The caller launches again.
 */
export async function repeatInForeground(
  params: Params,
  account: Account | undefined,
  deadline: Deadline,
): Promise<Repetition> {
  const patience = deadline.sooner(REPEAT_MS);
  const again = launch(
    params.binary,
    [...kamailioArguments(params), '-DD', '-E'],
    account,
    params.environment,
  );
  let heard = '';
  let heardAt = now();
  let lookedAt = now();
  let serves = false;
  for (; !again.end && !patience.passed; await patience.pause(POLL_INTERVAL_MS)) {
    if (again.errors !== heard) {
      heard = again.errors;
      heardAt = now();
    }
    if (now() - lookedAt > LOOK_INTERVAL_MS) {
      serves = await isServing(params, again, patience.sooner(LOOK_INTERVAL_MS));
      lookedAt = now();
    }
    if (serves || (errorLines(heard, 'last').length > 0 && now() - heardAt > QUIET_MS)) break;
  }
  const words = errorLines(again.errors, 'last');
  await terminateInstance(params, deadline.sooner(serves ? REPEAT_MS : LOST_MS), deadline, {
    only: again.owns,
  });
  again.release();
  return { words, serves };
}

async function isServing(params: Params, { owns }: Launch, deadline: Deadline): Promise<boolean> {
  const main = findMain(params);
  if (!main.found || !owns(main.process)) return false;
  const { problems, outcomes } = await checkPolls(params, main.process.pid, deadline);
  return problems.length === 0 && outcomes.length > 0;
}
