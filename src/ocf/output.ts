import { writeSync } from 'node:fs';
import { errorCode } from '../failure/system-error.ts';

/**
 * Prints what was asked for on stdout, whole, before it returns. `process.stdout` would load streams and
 * sockets first, a tenth of the time of meta-data; only a descriptor that somebody has made non-blocking needs it.
 * A reader that is gone is no error. Throws the system's error otherwise, such as a full disk's.
 */
export function print(text: string): void {
  let rest: Uint8Array = Buffer.from(text);
  try {
    while (rest.length > 0) rest = rest.subarray(writeSync(1, rest));
  } catch (error) {
    if (errorCode(error) === 'EAGAIN') process.stdout.write(rest);
    else if (errorCode(error) !== 'EPIPE') throw error;
  }
}
