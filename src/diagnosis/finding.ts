import { Failure, type Problem } from '../failure/failure.ts';
import { now } from '../lifetime/clock.ts';

export type Verdict = 'ok' | 'warning' | 'failed' | 'skipped';

/** One line of a diagnosis: what a check saw. A check that sees several problems has a finding for each. */
export interface Finding {
  /** What was checked: `binary`, `udp:192.0.2.10:5060`. */
  readonly check: string;
  readonly verdict: Verdict;
  readonly seen: string;
  /** What to do about it. */
  readonly remedy?: string;
  /** How long the check took, ms. */
  readonly ms: number;
  /** The exit code that a monitor would end with because of this. */
  readonly exitCode?: number;
}

/** What a check function returns. */
export type Result =
  | { readonly verdict: 'ok' | 'skipped'; readonly seen: string }
  | {
      readonly verdict: 'failed' | 'warning';
      readonly problems: readonly Problem[];
      readonly exitCode?: number;
    };

/** Runs one check and times it. A Failure becomes a finding, so that the checks after it still run. */
export async function examine(check: string, run: () => Promise<Result> | Result): Promise<Finding[]> {
  const startedAt = now();
  const result = await attempt(run);
  return findingsOf(check, result, now() - startedAt);
}

/** The findings of a check that took `ms`. */
export function findingsOf(check: string, result: Result, ms: number): Finding[] {
  const common = { check, verdict: result.verdict, ms: Math.round(ms) };
  if (!('problems' in result)) return [{ ...common, seen: result.seen }];
  const { problems, exitCode } = result;
  return problems.map(({ where, seen, remedy }) => ({
    ...common,
    seen: where ? `${where}: ${seen}` : seen,
    ...(remedy !== undefined && { remedy }),
    ...(exitCode !== undefined && { exitCode }),
  }));
}

async function attempt(run: () => Promise<Result> | Result): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Failure) return failed(error.problems, error.code);
    const detail = error instanceof Error ? error.message : String(error);
    return failed({ seen: `the check itself failed: ${detail}` });
  }
}

export function ok(seen: string): Result {
  return { verdict: 'ok', seen };
}

export function failed(what: Problem | readonly Problem[], exitCode?: number): Result {
  return { verdict: 'failed', ...asResult(what, exitCode) };
}

export function warning(what: Problem | readonly Problem[], exitCode?: number): Result {
  return { verdict: 'warning', ...asResult(what, exitCode) };
}

export function skipped(seen: string): Result {
  return { verdict: 'skipped', seen };
}

function asResult(what: Problem | readonly Problem[], exitCode: number | undefined) {
  const { problems } = new Failure(what);
  return { problems, ...(exitCode !== undefined && { exitCode }) };
}
