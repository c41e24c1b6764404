import { now } from '../clock.ts';
import type { ExitCode } from '../ocf/exit-code.ts';
import { Failure } from '../ocf/failure.ts';

export type Verdict = 'ok' | 'warning' | 'failed' | 'skipped';

/** What one check of a diagnosis came to. */
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
  readonly exitCode?: ExitCode;
}

/** What a check function returns: a finding without name and time. */
export type Result = Omit<Finding, 'check' | 'ms'>;

/** Runs one check and times it. A Failure becomes a finding, so that the checks after it still run. */
export async function examine(check: string, run: () => Promise<Result> | Result): Promise<Finding> {
  const startedAt = now();
  const result = await attempt(run);
  return { check, ...result, ms: Math.round(now() - startedAt) };
}

async function attempt(run: () => Promise<Result> | Result): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Failure) return failed(error.message, error.code);
    return failed(`the check itself failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export function ok(seen: string): Result {
  return { verdict: 'ok', seen };
}

/** A reason reads "what was seen; what to do", and is split there. */
export function failed(reason: string, exitCode?: ExitCode): Result {
  return { verdict: 'failed', ...splitReason(reason), ...(exitCode !== undefined && { exitCode }) };
}

export function warning(reason: string, exitCode?: ExitCode): Result {
  return { ...failed(reason, exitCode), verdict: 'warning' };
}

export function skipped(seen: string): Result {
  return { verdict: 'skipped', seen };
}

function splitReason(reason: string): { seen: string; remedy?: string } {
  const at = reason.indexOf('; ');
  return at < 0 ? { seen: reason } : { seen: reason.slice(0, at), remedy: reason.slice(at + 2) };
}
