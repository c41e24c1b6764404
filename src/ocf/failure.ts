import type { ExitCode } from './exit-code.ts';

/**
 * The one way an action ends with anything but success: the exit code, and the reason a person reads in
 * `crm_mon` at 3 a.m. (what was seen, where, what to do). `main` turns it into the exit.
 */
export class Failure extends Error {
  readonly code: ExitCode;

  constructor(code: ExitCode, reason: string) {
    super(reason);
    this.name = 'Failure';
    this.code = code;
  }
}

/** Whether an error is a Failure, also one of a part that the bundle carries complete in itself, with a class of its own. */
export function isFailure(error: unknown): error is Failure {
  return error instanceof Error && error.name === 'Failure' && 'code' in error;
}
