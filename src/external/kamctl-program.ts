import { Failure } from '../failure/failure.ts';
import { cleanUpAtExit } from '../lifetime/at-exit.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { startProgram } from '../system/program.ts';
import { makeKamctlHome } from './kamctl-home.ts';

/**
 * Runs `kamctl monitor 1` for the instance whose kamctlrc is given, and looks for the up-time as the shell
 * agent does. kamctl reads ~/.kamctlrc last, so it gets a home of its own in which that file is the
 * instance's: without that, it would ask one and the same Kamailio for every instance on the node.
 * Throws Failure with what kamctl said.
 */
export async function monitorWithKamctl(
  kamctl: string,
  kamctlrc: string,
  replyDirectory: string,
  deadline: Deadline,
): Promise<void> {
  const home = makeKamctlHome(kamctlrc);
  const cleanUp = cleanUpAtExit(() => home.remove());
  try {
    // kamctl clears the screen; a terminal that cannot be cleared keeps escapes out of its output.
    const env = { ...process.env, HOME: home.path, TERM: 'dumb' };
    const program = startProgram(kamctl, ['monitor', '1'], env, deadline);
    if (program.pid !== undefined) home.noteReplyFifo(`${replyDirectory}/kamailio_receiver_${program.pid}`);
    const end = await program.end;
    if (/since/.test(end.stdout)) return;
    throw new Failure({
      seen: `\`${kamctl} monitor 1\` with the settings of ${kamctlrc} shows no up-time: ${end.said}`,
      remedy: 'is RPCFIFOPATH in that file the fifo_name of this Kamailio, and jsonrpcs.so loaded?',
    });
  } finally {
    cleanUp();
  }
}
