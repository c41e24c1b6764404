import { ACTIONS } from '../interface/actions.ts';

/** What a stop keeps for terminating when no stop_grace says it: the time that a stop without a drain is given, s. */
const USUAL_S = ACTIONS.stop.timeout ?? 0;
/** For SIGKILL and the verdict after a stop_grace, s. */
const KILL_S = 1;

/** How much of a stop's timeout is left for Kamailio to be drained in, all in s. */
export function timeToDrain(timeout: number, stopGrace: number | undefined): number {
  const kept = stopGrace === undefined ? Math.min(USUAL_S, timeout / 2) : stopGrace + KILL_S;
  return Math.max(0, timeout - kept);
}

/** The timeout that a stop needs for a drain of that length, s. */
export function timeoutForDrain(drain: number, stopGrace: number | undefined): number {
  return Math.ceil(drain + (stopGrace === undefined ? USUAL_S : stopGrace + KILL_S));
}
