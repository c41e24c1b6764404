import { Failure } from '../failure/failure.ts';

/** Units as Pacemaker knows them (crm_get_msec of libcrmcommon), in ms. Without a unit it is seconds. */
const UNITS_MS: Readonly<Record<string, number>> = {
  us: 0.001,
  usec: 0.001,
  ms: 1,
  msec: 1,
  '': 1000,
  s: 1000,
  sec: 1000,
  secs: 1000,
  second: 1000,
  seconds: 1000,
  m: 60_000,
  min: 60_000,
  mins: 60_000,
  minute: 60_000,
  minutes: 60_000,
  h: 3_600_000,
  hr: 3_600_000,
  hrs: 3_600_000,
  hour: 3_600_000,
  hours: 3_600_000,
};

/** Eleven days. Timers of Node.js end at 24. */
const LONGEST_S = 999_999;

/**
 * A duration as the timeouts of operations take it: `5`, `5s`, `5000ms`, `1min`, in large or small letters, with
 * blanks before the unit or without. Returns seconds, with a fraction for `1500ms`.
 *
 * Pacemaker reads only the beginning of a unit, so that `5milliseconds` is 5 minutes to it, and drops fractions. Such
 * texts are refused here. So is anything below 1 s: it is mostly a slip (`5ms`). A poll of less than 1 s fails a
 * healthy Kamailio for one lost datagram, which is sent again after 0.5 s, and a grace of less than 1 s is a SIGKILL.
 */
export function duration(text: string): number {
  const [, digits, unit = ''] = /^ *(\d{1,12}) *([A-Za-z]*) *$/.exec(text) ?? [];
  const unitMs = Object.hasOwn(UNITS_MS, unit.toLowerCase()) ? UNITS_MS[unit.toLowerCase()] : undefined;
  if (digits === undefined || unitMs === undefined)
    throw new Failure({
      seen: 'is not a duration',
      remedy: 'give whole seconds, or a number with a unit: 5, 5s, 5000ms, 1min, 1h',
    });
  const seconds = (Number(digits) * unitMs) / 1000;
  if (seconds < 1 || seconds > LONGEST_S)
    throw new Failure({ seen: 'is not a duration from 1 s on', remedy: `give 1s to ${LONGEST_S}s` });
  return seconds;
}

/** As `duration`, or undefined when empty. */
export function optionalDuration(text: string): number | undefined {
  return text === '' ? undefined : duration(text);
}
