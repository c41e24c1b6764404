import { Deadline } from '../lifetime/deadline.ts';
import { DEFAULT_TIMEOUTS_MS, type Invocation } from '../ocf/invocation.ts';
import type { Log } from '../ocf/log.ts';
import type { Note } from '../tracing/note.ts';

/** What an action works with. */
export interface Context {
  readonly invocation: Invocation;
  readonly log: Log;
  /** Goes to the trace of the operation if one was asked for (trace_ra). */
  readonly note: Note;
  /** The verdict and its reason must be out by then: a little before the executor kills the agent. */
  readonly deadline: Deadline;
}

/**
 * How deep to check: 0, 10 or 20. Unset is 10, which has always been what this monitor does; a value in
 * between means the next lower one (OCF_CHECK_LEVEL, OCF RA API 1.1).
 */
export function checkLevelOf({ checkLevel = 10 }: Invocation): 0 | 10 | 20 {
  return checkLevel >= 20 ? 20 : checkLevel >= 10 ? 10 : 0;
}

/** The deadline of the operation: its timeout, less a tenth (1 s at most) for the verdict to get out on a busy node. */
export function operationDeadline(invocation: Invocation): Deadline {
  const timeout = operationTimeout(invocation);
  return Deadline.sinceStart(timeout - Math.min(1000, timeout / 10));
}

/** What the operation may take, ms. */
export function operationTimeout({ action, timeoutMs }: Invocation): number {
  return timeoutMs ?? (action === 'start' ? DEFAULT_TIMEOUTS_MS.start : DEFAULT_TIMEOUTS_MS.other);
}
