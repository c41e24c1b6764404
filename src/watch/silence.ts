/** Fewer unanswered polls than this are no silence, however long they take. */
const LEAST_POLLS = 3;
/** A round trip counts for so long, ms. */
const MEMORY_MS = 60_000;

interface RoundTrip {
  readonly at: number;
  readonly ms: number;
}

/**
 * Counts the polls of one target and their answers. All times are ms on the clock of `now()`. Any sign of life ends a
 * silence, also a late answer to an early poll: a Kamailio that is slow but answers is not silent.
 */
export class Silence {
  private readonly polls: number[] = [];
  private roundTrips: RoundTrip[] = [];
  private unanswered = 0;
  /** When the silence began: the last sign of life, or else the first poll. */
  private since: number | undefined;

  polled(at: number): void {
    this.unanswered += 1;
    this.since ??= at;
    this.polls.push(at);
    while ((this.polls[0] ?? at) < at - MEMORY_MS) this.polls.shift();
  }

  answered(at: number, roundTripMs: number): void {
    this.roundTrips = this.roundTrips.filter((one) => one.at > at - MEMORY_MS);
    this.roundTrips.push({ at, ms: roundTripMs });
    this.alive(at);
  }

  /** A sign of life that is no answer. */
  alive(at: number): void {
    this.unanswered = 0;
    this.since = at;
  }

  /**
   * The watcher itself did not run, as when the machine was suspended. Answers may be lost, so it counts anew: what
   * it does not know it does not report.
   */
  paused(at: number): void {
    this.alive(at);
  }

  /** Whether the last polls were not answered. */
  get isDoubtful(): boolean {
    return this.unanswered > 1;
  }

  /** How long nothing has been answered, ms, if that is `limitMs` at least and three polls; undefined otherwise. */
  lasting(at: number, limitMs: number): number | undefined {
    const ms = this.since === undefined ? 0 : at - this.since;
    return this.unanswered >= LEAST_POLLS && ms >= limitMs ? ms : undefined;
  }

  /** The polls of the last minute for a person. */
  describe(at: number): string {
    const polls = this.polls.filter((one) => one > at - MEMORY_MS).length;
    const trips = this.roundTrips
      .filter((one) => one.at > at - MEMORY_MS)
      .map(({ ms }) => ms)
      .sort((a, b) => a - b);
    const part = (share: number) => (trips[Math.ceil(share * trips.length) - 1] ?? 0).toFixed(1);
    const trip =
      trips.length > 0
        ? `, round trip ${part(0.5)} ms (95 %: ${part(0.95)}, 99 %: ${part(0.99)}, longest: ${part(1)})`
        : '';
    return `${trips.length} of ${polls} polls answered in the last minute${trip}`;
  }
}
