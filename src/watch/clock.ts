/** ms on a clock that all processes of a node share and nobody can set (clock_gettime(2), CLOCK_MONOTONIC). */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
