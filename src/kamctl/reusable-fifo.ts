import { lstatSync, readdirSync, renameSync, type Stats, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isLeftBehind } from './fifo-names.ts';

/** Numbers of the account that Kamailio runs as. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Moves the spare FIFO to `path`, if there is one that only `owner` can write to. The directory is usually /tmp, where
 * anybody may put something of that name, which is left alone. Whoever opens what was moved must look at it again.
 */
export function takeSpareFifo(spare: string, path: string, owner: Owner): boolean {
  try {
    const there = lstatSync(spare, { throwIfNoEntry: false });
    if (!there || !isReplyFifoOf(owner, there)) return false;
    renameSync(spare, path);
    return true;
  } catch {
    // Another monitor was a moment faster, or the directory is missing: making a FIFO shows what is wrong.
    return false;
  }
}

/**
 * Leaves the FIFO at `path` as the spare one. To be called when a whole reply has come and its writer has closed: what
 * is left empty stays so, and a late reply to an earlier request cannot come, for the name it was to go to is gone.
 * Removes it where a stranger's file has the name of the spare one.
 */
export function leaveSpareFifo(path: string, spare: string, owner: Owner): void {
  try {
    const there = lstatSync(spare, { throwIfNoEntry: false });
    if (!there || isReplyFifoOf(owner, there)) {
      renameSync(path, spare);
      return;
    }
  } catch {
    // A stranger's file or directory has just come there.
  }
  unlinkSync(path);
}

/** Removes the spare FIFO, if there is one. */
export function removeSpareFifo(spare: string): void {
  try {
    if (lstatSync(spare, { throwIfNoEntry: false })?.isFIFO()) unlinkSync(spare);
  } catch {
    // It is as empty as it was, and in nobody's way.
  }
}

/**
 * Removes the reply FIFOs that agents of this instance left when SIGKILL ended them. A file of that name that is not a
 * FIFO, or belongs to an account that `mayOwn` refuses, is a stranger's and stays. Never throws.
 */
export function sweepReplyFifos(directory: string, prefix: string, mayOwn: (uid: number) => boolean): void {
  for (const name of namesIn(directory)) {
    try {
      if (!isLeftBehind(name, prefix)) continue;
      const there = lstatSync(join(directory, name));
      if (there.isFIFO() && mayOwn(there.uid)) unlinkSync(join(directory, name));
    } catch {
      // Gone meanwhile, or in a directory that this agent may not change: the next stop tries again.
    }
  }
}

/** Kamailio writes to no FIFO with a second name, and nobody but its account may write to this one. */
export function isReplyFifoOf(owner: Owner, stat: Stats): boolean {
  return stat.isFIFO() && stat.uid === owner.uid && stat.nlink === 1 && (stat.mode & 0o777) === 0o600;
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
