import type { Reply } from './reply.ts';
import type { Target } from './target.ts';

/** What came of one poll. */
export type Outcome =
  | { readonly healthy: true; readonly target: Target; readonly reply: Reply; readonly roundTripMs: number }
  | { readonly healthy: false; readonly target: Target; readonly seen: string; readonly remedy: string };

/** A poll without a usable reply; thrown inside the transports, turned into an Outcome by `probe`. */
export class PollFailure extends Error {
  readonly remedy: string;

  constructor(seen: string, remedy: string) {
    super(seen);
    this.remedy = remedy;
  }
}
