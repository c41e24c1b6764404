import { basename, dirname } from 'node:path';
import { Failure } from '../failure/failure.ts';
import { errorCode } from '../failure/system-error.ts';
import type { Account } from './account.ts';
import { removeFrom } from './directory.ts';

/**
 * Removes a pidfile (a link itself, never what it points to), in a directory that was checked for `owner`. Returns what
 * was in the way, if anything.
 */
export function removePidfile(path: string, owner: Account | undefined): string | undefined {
  try {
    removeFrom(dirname(path), basename(path), owner);
    return undefined;
  } catch (error) {
    return errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR'
      ? undefined
      : `cannot remove the pidfile ${path} (${error instanceof Failure ? error.message : errorCode(error)})`;
  }
}
