import { writeSync } from 'node:fs';
import { oneLine } from './one-line.ts';

/** What the agent has to say while it works; never used by a healthy monitor. */
export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/**
 * A log on stderr, one line a message: the executor copies an agent's stderr into the cluster's log.
 * `debug` is silent unless `debugging` (HA_debug above 0).
 */
export function createLog(debugging: boolean): Log {
  const say = (level: string) => (message: string) => writeError(`${level}: ${oneLine(message)}\n`);
  return {
    debug: debugging ? say('DEBUG') : () => {},
    info: say('INFO'),
    warn: say('WARNING'),
    error: say('ERROR'),
  };
}

/**
 * Prints the exit reason in the form the executor picks out of stderr (OCF RA API 1.1: the prefix is
 * `$OCF_EXIT_REASON_PREFIX`, or `ocf-exit-reason:`).
 */
export function writeExitReason(prefix: string, reason: string): void {
  writeError(`${prefix}${oneLine(reason)}\n`);
}

/** Writes at once, so that nothing is lost when the process exits next; an executor that is gone is no error. */
function writeError(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // The reader has gone away, or its pipe is full. The exit code still tells.
  }
}
