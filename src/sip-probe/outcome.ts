import type { Reply } from './reply.ts';
import { describeTarget, type Target } from './target.ts';

/** What came of one poll. */
export type Outcome =
  | {
      readonly healthy: true;
      readonly target: Target;
      readonly reply: Reply;
      readonly roundTripMs: number;
      /** When the server's certificate expires, ms since 1970; over TLS only. */
      readonly certificateExpires?: number;
      /** The address that the reply came from, if it is another one than was polled; over UDP only. */
      readonly answeredFrom?: string;
      /** What earlier tries of this poll saw, which failed. */
      readonly failedTries?: readonly string[];
    }
  | {
      readonly healthy: false;
      readonly target: Target;
      readonly seen: string;
      readonly remedy: string;
      /** The final reply, where there was one. */
      readonly status?: number;
    };

/** What a transport brings back: the final reply, or undefined when none came in time. */
export interface Polled {
  readonly reply: Reply | undefined;
  readonly certificateExpires?: number;
  readonly answeredFrom?: string;
}

/** An outcome for a trace: what came from where, without anything that the reply carried. */
export function describeOutcome(outcome: Outcome): string {
  const target = describeTarget(outcome.target);
  if (!outcome.healthy) return `${target}: ${outcome.seen}`;
  const from = outcome.answeredFrom ? ` from ${outcome.answeredFrom}` : '';
  const before = outcome.failedTries ? `, after tries that failed: ${outcome.failedTries.join(', ')}` : '';
  return `${target}: ${outcome.reply.status}${from} after ${outcome.roundTripMs.toFixed(1)} ms${before}`;
}
