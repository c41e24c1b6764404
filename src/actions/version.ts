import { ExitCode } from '../ocf/exit-code.ts';
import { VERSION } from '../version.ts';

/** Prints the version of the agent and of the runtime that it runs on. */
export async function run(): Promise<ExitCode> {
  process.stdout.write(`ocf-kamailio ${VERSION} (Node.js ${process.version})\n`);
  return ExitCode.success;
}
