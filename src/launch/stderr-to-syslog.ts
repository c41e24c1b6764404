import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import type { Deadline } from '../lifetime/deadline.ts';
import { LOGGER } from '../ocf/syslog.ts';
import { descriptorTarget } from '../process/descriptors.ts';
import { runProgram } from '../system/run-program.ts';

/** A syslog that hangs must not hold a start up for longer, ms. */
const LIMIT_MS = 2000;

/**
 * Whether a Kamailio that serves keeps its stderr: with log_stderror=yes, -E or -DD. Any other has turned it to
 * /dev/null when it became a daemon.
 */
export function keepsStderr(mainPid: number): boolean {
  return /^(socket|pipe):/.test(descriptorTarget(mainPid, 2));
}

/**
 * Has logger(1) read a Kamailio's stderr from now on, until its last process has closed it. As root, logger sends the
 * lines in the name of the main process, so that systemd's journal has them as Kamailio's own. Without logger, or when
 * it ends, they are lost: Kamailio ignores SIGPIPE. The caller must not read on. Never throws.
 */
export function handToSyslog(stderr: Readable, binary: string, mainPid: number): void {
  try {
    // In a session of its own, for an executor may end the agent's process group when the agent returns.
    const logger = spawn(LOGGER, wordsFor(binary, mainPid), {
      cwd: '/',
      detached: true,
      stdio: [stderr, 'ignore', 'ignore'],
    });
    logger.on('error', () => {}).unref();
  } catch {
    // The node has no process to spare: that is no reason to fail a start.
  }
}

/** Sends to syslog what a Kamailio has written to its stderr so far. Never throws; takes 2 s at most. */
export function tellSyslog(text: string, binary: string, pid: number, deadline: Deadline): void {
  if (text.trim() === '') return;
  try {
    runProgram(LOGGER, wordsFor(binary, pid), { input: text, limitMs: deadline.sooner(LIMIT_MS).remaining });
  } catch {
    // As above.
  }
}

/** As systemd logs the stderr of a unit: daemon.info, under the name of the program. */
function wordsFor(binary: string, pid: number): string[] {
  return ['-p', 'daemon.info', '-t', basename(binary), `--id=${pid}`];
}
