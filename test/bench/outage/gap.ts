/** A time in which callers were not answered: from the last poll before it to the first after it. */
export interface Gap {
  /** When the last answered poll before was sent, ms since 1970. */
  readonly from: number;
  /** When the first answered poll after was sent, ms since 1970. */
  readonly to: number;
}

/** A silence up to here is the machine's noise, unless there is none that is longer. ms */
const NOISE_MS = 200;
/** An answer now and then, as of a Kamailio that is being ended, does not divide an outage. ms */
const STEADY_MS = 500;

/**
 * The longest outage since `since` (ms since 1970), of callers whose answered polls were sent at the times `answered`,
 * in order. Silences of more than 200 ms with less than 500 ms of service between them are one outage. Undefined
 * when nothing was answered before `since` or after it.
 */
export function longestGap(answered: readonly number[], since: number): Gap | undefined {
  const first = answered.findLastIndex((time) => time <= since);
  if (first < 0) return undefined;
  const times = answered.slice(first);
  const silences = times.slice(1).map((to, index) => ({ from: times[index] ?? to, to }));
  const long = silences.filter((silence) => length(silence) > NOISE_MS);
  return longestOf(long.length > 0 ? joined(long) : silences);
}

export function length({ from, to }: Gap): number {
  return to - from;
}

function joined(silences: readonly Gap[]): Gap[] {
  const gaps: Gap[] = [];
  for (const silence of silences) {
    const before = gaps.at(-1);
    if (before && silence.from - before.to < STEADY_MS)
      gaps.splice(-1, 1, { from: before.from, to: silence.to });
    else gaps.push(silence);
  }
  return gaps;
}

function longestOf(gaps: readonly Gap[]): Gap | undefined {
  return gaps.toSorted((a, b) => length(b) - length(a))[0];
}
