import { ExitCode } from '../ocf/exit-code.ts';
import { COMMIT, VERSION } from '../version.ts';

/** Prints the version of the agent, the commit it was built from, and the runtime that it runs on. */
export async function run(): Promise<ExitCode> {
  process.stdout.write(`ocf-kamailio ${VERSION} (commit ${COMMIT}, Node.js ${process.version})\n`);
  return ExitCode.success;
}
