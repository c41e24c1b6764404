/** One thing that is wrong. It stays a value until it is printed: no text is ever taken apart again. */
export interface Problem {
  /** The socket, file or parameter that it concerns: `udp:192.0.2.10:5060`. Absent if `seen` says so itself. */
  readonly where?: string;
  readonly seen: string;
  /** What to do about it. Absent if there is nothing to do but to start the resource. */
  readonly remedy?: string;
}

/**
 * The one way to end with anything but success: what is wrong, and what a person reads in `crm_mon` at 3 a.m.
 * A client (a poll, the control plane, a directory) throws it without a code. The room above adds the code, for
 * the same missing file is another verdict for a start than for a monitor. `main` turns it into the exit.
 */
export class Failure extends Error {
  readonly problems: readonly Problem[];
  /** The exit code. Undefined counts as a generic error. */
  readonly code: number | undefined;
  readonly about: string | undefined;

  /** `about` introduces the problems: `Kamailio runs (pid 4711) but is not healthy`. */
  constructor(what: Problem | readonly Problem[], code?: number, about?: string) {
    const problems = isList(what) ? what : [what];
    super(`${about ? `${about}: ` : ''}${joinProblems(problems)}`);
    this.name = 'Failure';
    this.problems = problems;
    this.code = code;
    this.about = about;
  }

  /** The same with an exit code, unless it has one: a client's failure in the hands of the room above. */
  as(code: number): Failure {
    return this.code === undefined ? new Failure(this.problems, code) : this;
  }

  /** The problems, those without a place of their own at `where`. */
  at(where: string): readonly Problem[] {
    return this.problems.map((problem) => ({ where, ...problem }));
  }
}

/** Problems as one line: `where: seen; remedy || where: seen; remedy`. */
export function joinProblems(problems: readonly Problem[]): string {
  return problems
    .map(({ where, seen, remedy }) => `${where ? `${where}: ` : ''}${seen}${remedy ? `; ${remedy}` : ''}`)
    .join(' || ');
}

function isList(what: Problem | readonly Problem[]): what is readonly Problem[] {
  return Array.isArray(what);
}
