import { lstatSync, renameSync, type Stats, unlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Numbers of the account that Kamailio runs as. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The most of a pidfile's path that goes into a name; names of files have at most 255 bytes. */
const PATH_LENGTH = 200;

/**
 * The path of an instance's spare FIFO. A FIFO for a reply costs a monitor a process of its own, mkfifo, and with it
 * a tenth of its time; so a start leaves the one that it has used under this name, each monitor moves it to a name
 * that nobody can guess and back again, and a stop removes it. Two instances whose pidfiles come to the same name
 * do no harm to each other: who finds none there makes one.
 */
export function spareFifoPath(replyDirectory: string, pidfile: string): string {
  const name = pidfile.replaceAll(/[^\dA-Za-z]+/g, '_').slice(-PATH_LENGTH);
  return join(replyDirectory, `kamailio_ocf_spare${name}`);
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
    // Another monitor was a moment faster, or the directory is none: then making one tells what is wrong.
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

/** Kamailio writes to no FIFO with a second name, and nobody but its account may write to this one. */
export function isReplyFifoOf(owner: Owner, stat: Stats): boolean {
  return stat.isFIFO() && stat.uid === owner.uid && stat.nlink === 1 && (stat.mode & 0o777) === 0o600;
}
