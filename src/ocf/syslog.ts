import { spawn } from 'node:child_process';
import { runProgram } from '../system/run-program.ts';

/** logger(1) of util-linux. */
export const LOGGER = '/usr/bin/logger';

/**
 * Sends one line to syslog through logger(1), as the resource agents of the field do. `priority` is
 * FACILITY.LEVEL. A node without logger(1) or syslog is none the worse: the line stands on stderr.
 * An action's last line may be left to a logger that nobody waits for: callers wait for what comes after the action,
 * and no other line can overtake it. Where syslog hangs, that logger stays until it is heard; an action leaves one at
 * the most.
 */
export function toSyslog(priority: string, tag: string, line: string, isLast: boolean): void {
  const words = ['-p', priority, '-t', tag, '--', line];
  try {
    if (!isLast) {
      runProgram(LOGGER, words, { limitMs: 2000 });
      return;
    }
    // In a session of its own, for an executor may end the agent's process group when the agent returns.
    const logger = spawn(LOGGER, words, { stdio: 'ignore', detached: true });
    logger.on('error', () => {}).unref();
  } catch {
    // The node has no memory for another process: that must not make a stop fail.
  }
}

/** Loads what sending a line takes, some ms, for a caller who has time now and none later. */
export function prepareSyslog(): void {
  // Node.js 18 lacks the function; there the line loads it.
  process.getBuiltinModule?.('node:child_process');
}
