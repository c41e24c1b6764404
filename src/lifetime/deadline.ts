import { now, pause } from './clock.ts';

/** A timer of Node.js, which counts whole ms, comes up to that much before its time, ms. */
const TIMER_EARLY_MS = 2;

/**
 * The moment by which an action must have its verdict. One is made for the whole operation and handed
 * down; parts that may take less get a `sooner` one.
 */
export class Deadline {
  /** In ms on the clock of `now()`. */
  readonly at: number;

  private constructor(at: number) {
    this.at = at;
  }

  /** `ms` after the start of this process: what the executor's own clock measures. */
  static sinceStart(ms: number): Deadline {
    return new Deadline(ms);
  }

  /** `ms` from now, but never later than this one. */
  sooner(ms: number): Deadline {
    return new Deadline(Math.min(this.at, now() + ms));
  }

  /** This one moved forward by `ms`, to leave time for what comes after. */
  earlier(ms: number): Deadline {
    return new Deadline(this.at - ms);
  }

  /** ms that are left; 0 when it has passed. */
  get remaining(): number {
    return Math.max(0, this.at - now());
  }

  /** Also when a timer that was set for it has just come early. */
  get passed(): boolean {
    return now() >= this.at - TIMER_EARLY_MS;
  }

  /** Waits `ms`, or what is left, whichever is less. */
  pause(ms: number): Promise<void> {
    return pause(Math.min(ms, this.remaining));
  }
}
