import type { Params } from '../interface/parameters.ts';
import { now } from '../lifetime/clock.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import type { Account } from '../process/account.ts';
import { terminateInstance } from '../process/terminate.ts';
import { kamailioArguments } from './command-line.ts';
import { errorLines, launch } from './launch.ts';

/** How long Kamailio is given to repeat its mistake in the foreground, ms. */
const REPEAT_MS = 5000;
/** One that has said what is wrong, and does not exit, says no more after so long, ms. */
const QUIET_MS = 700;
const POLL_INTERVAL_MS = 20;

/**
 * Kamailio logs to syslog unless its configuration says otherwise, where the agent cannot see it. So it is
 * started once more with the same options, in the foreground and logging to stderr (-DD -E): what made it
 * fail does so again, and is heard, also if it does not exit: its workers may die and leave the main process. If it comes
 * up this time it is ended again: the start has failed.
 */
export async function repeatInForeground(
  params: Params,
  account: Account | undefined,
  deadline: Deadline,
): Promise<string[]> {
  const patience = deadline.sooner(REPEAT_MS);
  const again = launch(params.binary, [...kamailioArguments(params), '-DD', '-E'], account);
  let heard = '';
  let heardAt = now();
  for (; !again.end && !patience.passed; await patience.pause(POLL_INTERVAL_MS)) {
    if (again.errors !== heard) {
      heard = again.errors;
      heardAt = now();
    }
    if (errorLines(heard, 'last').length > 0 && now() - heardAt > QUIET_MS) break;
  }
  const lines = errorLines(again.errors, 'last');
  await terminateInstance(params, deadline.sooner(REPEAT_MS), deadline, { only: again.owns });
  again.release();
  return lines;
}
