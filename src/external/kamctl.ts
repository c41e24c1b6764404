import { lstatSync, mkdtempSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { cleanUpAtExit } from '../at-exit.ts';
import type { Deadline } from '../deadline.ts';
import { errorCode, isExhaustion } from '../error-code.ts';
import { Failure } from '../failure.ts';
import { startProgram } from './run.ts';

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
  const home = makeHome();
  let pid: number | undefined;
  const cleanUp = cleanUpAtExit(() => {
    rmSync(home, { recursive: true, force: true });
    if (pid !== undefined) removeReplyFifo(`${replyDirectory}/kamailio_receiver_${pid}`);
  });
  try {
    symlinkSync(kamctlrc, join(home, '.kamctlrc'));
    // kamctl clears the screen; a terminal that cannot be cleared keeps escapes out of its output.
    const env = { ...process.env, HOME: home, TERM: 'dumb' };
    const program = startProgram(kamctl, ['monitor', '1'], env, deadline);
    pid = program.pid;
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

/** What stands in it is executed as shell code. So root's lies in /run, not in a /tmp that may be open to all. */
function makeHome(): string {
  const parent = process.geteuid?.() === 0 ? '/run' : '/tmp';
  try {
    return mkdtempSync(`${parent}/kamailio_ocf_home_`);
  } catch (error) {
    if (isExhaustion(error)) throw error;
    throw new Failure({
      seen: `no directory for the settings of kamctl can be made in ${parent} (${errorCode(error)})`,
      remedy: 'is the disk full, or the directory read-only?',
    });
  }
}

/** A kamctl that is killed leaves the FIFO for its replies, named after its pid. Only a FIFO of ours goes. */
function removeReplyFifo(path: string): void {
  try {
    const stat = lstatSync(path);
    if (stat.isFIFO() && stat.uid === process.geteuid?.()) unlinkSync(path);
  } catch {
    // kamctl has removed it itself, as it does when it ends well.
  }
}
