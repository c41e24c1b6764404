import { now } from '../lifetime/clock.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { PassingFailure } from './passing.ts';

/** From one launch to the next, ms. */
const EVERY_MS = 2000;

/**
 * How often a start launches Kamailio. A launch that failed for a reason that can pass is tried again every 2 s, for
 * half of the time that the start has: a database that comes up meanwhile, after a boot of both, costs no node. The
 * other half is for Kamailio to load in, and for the verdict: where the reason does not pass, the cluster knows it long
 * before the timeout, and can try another node. What cannot pass is not tried again.
 */
export class Tries {
  private readonly deadline: Deadline;
  private readonly patience: Deadline;
  private launchedAt = now();
  private hadPassed = false;

  constructor(deadline: Deadline) {
    this.deadline = deadline;
    this.patience = deadline.earlier(deadline.remaining / 2);
  }

  /** Whether another launch is due after one that failed; waits until it is its time. */
  async again(error: unknown): Promise<boolean> {
    if (!(error instanceof PassingFailure)) return false;
    // What the agent has just seen pass is worth a launch at any time, but not for ever.
    const isWorthIt = error.hasPassed && !this.hadPassed && !this.deadline.passed;
    this.hadPassed = error.hasPassed;
    if (!isWorthIt && this.patience.passed) return false;
    if (!error.hasPassed) await this.deadline.pause(Math.max(0, this.launchedAt + EVERY_MS - now()));
    this.launchedAt = now();
    return true;
  }
}
