/**
 * Milliseconds since the start of this process, on the monotonic clock: a clock that NTP moves by an hour
 * moves no deadline. (`performance.now()` tells the same, but loads seven modules to do so.)
 */
export function now(): number {
  return process.uptime() * 1000;
}

/** Waits `ms`, whatever deadline there is; `Deadline.pause` heeds one. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until what is ready to be sent and received has been, and all else that waits has had its turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
