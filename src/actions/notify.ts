import { ExitCode } from '../ocf/exit-code.ts';

/** Kamailio needs to know nothing about its clones; the established interface has the action, so it succeeds. */
export async function run(): Promise<ExitCode> {
  return ExitCode.success;
}
