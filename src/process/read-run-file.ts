import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats } from 'node:fs';
import { isExhaustion } from '../failure/system-error.ts';
import { RUN_DIRECTORY } from './run-directory.ts';

/** No file of the agent is larger; the list of probes in a watcher's state is the longest part, bytes. */
const LIMIT_BYTES = 65_536;

/**
 * Text of a file in RUN_DIRECTORY; undefined if there is none, or if anybody but root, or the agent's own account, can
 * have written it: such a file is believed in nothing. A link is not followed, a FIFO not waited for. Throws the
 * system's error if no descriptor or memory is left to look.
 */
export function readRunFile(path: string): string | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const found = fstatSync(fd);
    const directory = lstatSync(RUN_DIRECTORY);
    if (!found.isFile() || !isOwn(found) || !directory.isDirectory() || !isOwn(directory)) return undefined;
    if (found.size > LIMIT_BYTES) return undefined;
    const buffer = Buffer.alloc(found.size);
    return buffer.toString('utf8', 0, readSync(fd, buffer));
  } catch (error) {
    if (isExhaustion(error)) throw error;
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function isOwn({ uid, mode }: Stats): boolean {
  return (uid === 0 || uid === process.geteuid?.()) && (mode & 0o022) === 0;
}
