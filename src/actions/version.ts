import { type ExitCode, OCF_SUCCESS } from '../ocf/exit-code.ts';
import { print } from '../ocf/output.ts';
import { COMMIT, VERSION } from '../version.ts';

/** Prints the version of the agent, the commit it was built from, and the runtime that it runs on. */
export async function version(): Promise<ExitCode> {
  print(`ocf-kamailio ${VERSION} (commit ${COMMIT}, Node.js ${process.version})\n`);
  return OCF_SUCCESS;
}
