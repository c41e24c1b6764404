import { closeSync, constants, lstatSync, openSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode, isExhaustion } from '../failure/system-error.ts';
import type { Account } from './account.ts';
import { checkWay } from './directory-check.ts';
import { mustChange } from './run-as.ts';

/**
 * Removes the control FIFO that a Kamailio of root's has left in a directory such as /tmp, whose entries only their
 * owners may remove. Kamailio was root's when version 1.0.0 started it, or before kamuser was set. As kamuser it
 * could neither open that FIFO nor put its own in the place, and would not start. What somebody reads, and what is not
 * root's, stays. Throws the system's error if the node is at its limits.
 */
export function removeAbandonedFifo(path: string, account: Account | undefined): void {
  if (!account || !mustChange(account)) return;
  try {
    // Then nobody but root can exchange an entry of root's: in a directory of kamuser's own it needs no help.
    if (checkWay(path, account) !== 'root alone' || !isSticky(dirname(path))) return;
    const there = lstatSync(path);
    if (there.isFIFO() && there.uid === 0 && !isRead(path)) unlinkSync(path);
  } catch (error) {
    if (isExhaustion(error)) throw error;
    // It is not there, or not to be reached: Kamailio reports what it cannot make.
  }
}

function isSticky(directory: string): boolean {
  return (lstatSync(directory).mode & 0o1000) !== 0;
}

/** A FIFO without a reader refuses a writer that does not wait (ENXIO, fifo(7)). */
function isRead(path: string): boolean {
  try {
    closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW));
    return true;
  } catch (error) {
    return errorCode(error) !== 'ENXIO';
  }
}
