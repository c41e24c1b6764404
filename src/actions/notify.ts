import { type ExitCode, OCF_SUCCESS } from '../ocf/exit-code.ts';

/** Kamailio needs to know nothing about its clones; the established interface has the action, so it succeeds. */
export async function notify(): Promise<ExitCode> {
  return OCF_SUCCESS;
}
