import type { Params } from '../interface/parameters.ts';
import { now } from '../lifetime/clock.ts';
import type { Deadline } from '../lifetime/deadline.ts';

/** A try that fails at once (a port that refuses, a 503) is followed by the next one so long after it began, ms. */
const APART_MS = 1000;

/** What came of several tries. */
export interface Tried<T> {
  /** Of the last one. */
  readonly result: T;
  /** What was seen by those before it, which failed. */
  readonly failed: readonly string[];
}

/**
 * Asks up to `probe_tries` times, each time for `probe_timeout` at most, and never beyond the deadline of the operation.
 * `trouble` says what is wrong with a result, and nothing if it will do.
 */
export async function inTries<T>(
  { probe_tries, probe_timeout }: Pick<Params, 'probe_tries' | 'probe_timeout'>,
  deadline: Deadline,
  ask: (until: Deadline) => Promise<T>,
  trouble: (result: T) => string | undefined,
): Promise<Tried<T>> {
  const failed: string[] = [];
  for (;;) {
    const startedAt = now();
    const result = await ask(deadline.sooner(probe_timeout * 1000));
    const seen = trouble(result);
    if (seen === undefined || failed.length + 1 >= probe_tries || deadline.passed) return { result, failed };
    await deadline.pause(Math.max(0, APART_MS - (now() - startedAt)));
    if (deadline.passed) return { result, failed };
    failed.push(seen);
  }
}

/** What several tries saw, as a reason names them: `3 tries failed: no answer ..., no answer ..., nobody listens there`. */
export function describeTries(failed: readonly string[], last: string): string {
  return failed.length === 0 ? last : `${failed.length + 1} tries failed: ${[...failed, last].join(', ')}`;
}
