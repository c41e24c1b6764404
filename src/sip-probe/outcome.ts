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
}

/** An outcome for a trace: what came from where, without anything that the reply carried. */
export function describeOutcome(outcome: Outcome): string {
  const target = describeTarget(outcome.target);
  if (!outcome.healthy) return `${target}: ${outcome.seen}`;
  return `${target}: ${outcome.reply.status} after ${outcome.roundTripMs.toFixed(1)} ms`;
}
