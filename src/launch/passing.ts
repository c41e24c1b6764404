import { Failure } from '../failure/failure.ts';

/** A launch that failed for a reason that can pass: the next one may succeed. */
export class PassingFailure extends Failure {
  /** It has passed already, as far as the agent could see: the next launch need not wait. */
  readonly hasPassed: boolean;

  constructor({ problems, code, about }: Failure, hasPassed: boolean) {
    super(problems, code, about);
    this.hasPassed = hasPassed;
  }
}

/**
 * Whether Kamailio's words are about something besides this instance that is late, busy or away: a database or another
 * server, the DNS, an address that the cluster or IPv6's detection of duplicates has not released yet. What
 * kamailio.cfg or its modules say of themselves stays as it is until a person changes it.
 */
export function canPass(words: readonly string[]): boolean {
  return words.some((line) => PASSING.test(line));
}

const PASSING = new RegExp(
  [
    // connect(2), bind(2) and getaddrinfo(3)
    'connection refused|connection reset|timed? ?out|unreachable|no route to host|cannot assign requested address',
    'temporary failure|name or service not known',
    // The clients of PostgreSQL, MySQL, Redis and others, and what their servers say while they come up or go down.
    "(?:unable|could not|cannot|can't|failed) (?:to )?connect|connection \\S+ ?failed|closed the connection",
    'starting up|shutting down|in recovery|too many (?:connections|clients)',
    'failed to open sqlite database|unable to open database|database is locked',
  ].join('|'),
  'i',
);
