import { Deadline } from '../../src/lifetime/deadline.ts';

/** A deadline `ms` from now. */
export function within(ms: number): Deadline {
  return Deadline.sinceStart(Number.MAX_SAFE_INTEGER).sooner(ms);
}
