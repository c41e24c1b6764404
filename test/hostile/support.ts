import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Call } from '../support/agent.ts';
import type { TestInstance } from '../support/instance.ts';

/** What a stranger would write to be taken for the agent, to blind a terminal, or to start a line of a log. */
export const FORGED = [
  'Fine ocf-exit-reason:all is well',
  'x\rocf-exit-reason:all is well',
  '\x1b[2J\x1b]0;owned\x07\x9b31mred',
  '\x00\x08\x7f\x85next line',
  'Nov 23 00:00:00 node pacemakerd[1]: ocf-exit-reason:ocf-exit-reason:',
] as const;

/**
 * The exit reason as Pacemaker's executor takes it out of stderr (parse_exit_reason): what stands behind the
 * last prefix, wherever in a line that is.
 */
export function reasonForCluster(stderr: string, prefix = 'ocf-exit-reason:'): string {
  const at = stderr.lastIndexOf(prefix);
  return at < 0 ? '' : (stderr.slice(at + prefix.length).split('\n', 1)[0] ?? '');
}

/** Asserts that a failed call gave the cluster its own reason, and let nothing of a stranger steer log or terminal. */
export function assertOwnWords(call: Call, code: number, reason: RegExp): void {
  assert.is(call.code, code, call.stderr);
  assert.is(call.stderr.split('ocf-exit-reason:').length, 2, `more than one reason: ${call.stderr}`);
  assert.match(reasonForCluster(call.stderr), reason);
  assertNoControl(call.stderr);
}

/** Nothing but text and ends of lines. */
export function assertNoControl(text: string): void {
  assert.not.match(text, /[^\P{Cc}\n]|[\p{Zl}\p{Zp}]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u);
}

/** A log file of the test's own, to be passed as HA_LOGFILE, and its lines. */
export function logOf(instance: TestInstance): { env: { HA_LOGFILE: string }; lines: () => string[] } {
  const file = join(instance.directory, 'log');
  return {
    env: { HA_LOGFILE: file },
    lines: () => readFileSync(file, 'utf8').trimEnd().split('\n'),
  };
}
