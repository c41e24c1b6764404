import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  openSync,
  type Stats,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { errorCode, isExhaustion } from '../error-code.ts';
import { Failure } from '../failure.ts';
import { randomDigits } from '../random.ts';
import { isReplyFifoOf, leaveSpareFifo, type Owner, takeSpareFifo } from './spare-fifo.ts';

/** A FIFO for one reply. */
export interface ReplyFifo {
  /** Its name in the reply directory: letters, digits and `_` only, for Kamailio refuses dots and slashes. */
  readonly name: string;
  /** The reading end, non-blocking. Whoever takes it closes it. */
  readonly fd: number;
  /** Throws Failure when the name does not lead to this FIFO any more: why no reply came. */
  checkInPlace(): void;
  /**
   * Removes the name, unless the FIFO was the spare one, or is to be: then it is that from now on. To be called when
   * the whole reply has been read.
   */
  release(): void;
  /** Removes the name, if it is still there. */
  remove(): void;
}

/** Node.js has no call for mkfifo(3); coreutils' program stands on every Linux. */
const MKFIFO_PROGRAMS = ['/usr/bin/mkfifo', '/bin/mkfifo'] as const;

/** Where the spare FIFO is, and whether there is to be one after this request if there was none before it. */
export interface Spare {
  readonly path: string;
  readonly isToBeLeft: boolean;
}

/**
 * Takes the spare FIFO or makes one, which only Kamailio's account can write to, under a name that nobody can guess.
 * The directory is usually /tmp, where every local user may put files: so a FIFO is made with mode 0600,
 * opened without following a link, looked at through its descriptor, and only then given to `owner`.
 * Throws Failure.
 */
export function openReplyFifo(directory: string, owner: Owner, spare: Spare): ReplyFifo {
  const name = `kamailio_ocf_${randomDigits()}`;
  const path = join(directory, name);
  const wasSpare = takeSpareFifo(spare.path, path, owner);
  if (!wasSpare) makeFifo(path);
  let isNamed = true;
  const giveUp = (action: () => void) => {
    if (isNamed) quietly(action);
    isNamed = false;
  };
  const remove = () => giveUp(() => unlinkSync(path));
  const release = () =>
    giveUp(() => (wasSpare || spare.isToBeLeft ? leaveSpareFifo(path, spare.path, owner) : unlinkSync(path)));
  // Only in a directory whose files others may remove; the name is known to all who can list it.
  const stolen = () =>
    new Failure({
      seen: `${path} was taken away or exchanged by somebody`,
      remedy: `${directory} must be root's and sticky (mode 1777); find out who changes files in it`,
    });
  try {
    const fd = openOwn(path, stolen);
    try {
      const stat = fstatSync(fd);
      if (wasSpare && !isReplyFifoOf(owner, stat)) throw stolen();
      if (!wasSpare) giveTo(owner, fd, stat, stolen);
      const checkInPlace = () => {
        const there = lstatSync(path, { throwIfNoEntry: false });
        if (there?.ino !== stat.ino || there.dev !== stat.dev) throw stolen();
      };
      return { name, fd, checkInPlace, release, remove };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  } catch (error) {
    remove();
    throw error;
  }
}

function makeFifo(path: string): void {
  for (const program of MKFIFO_PROGRAMS) {
    const made = withUmask(0o177, () =>
      spawnSync(program, [path], { env: { LC_ALL: 'C' }, stdio: ['ignore', 'ignore', 'pipe'] }),
    );
    if (isExhaustion(made.error)) throw made.error;
    if (made.error && errorCode(made.error) === 'ENOENT') continue;
    if (made.status === 0) return;
    const why = made.error?.message ?? String(made.stderr).trim();
    throw new Failure({
      seen: `the FIFO for the reply cannot be made (${why})`,
      remedy: 'is the disk full, or the directory read-only?',
    });
  }
  throw new Failure({ seen: 'there is no mkfifo program on this node', remedy: 'install coreutils' });
}

/**
 * The mode comes by the umask, not by mkfifo's own option: that one is a chmod by name, which for an old coreutils
 * follows the link that somebody has put there meanwhile.
 */
function withUmask<T>(mask: number, make: () => T): T {
  const before = process.umask(mask);
  try {
    return make();
  } finally {
    process.umask(before);
  }
}

/** Opens the FIFO that was just made; what else stands there by now is not followed and not waited for. */
function openOwn(path: string, stolen: () => Failure): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    throw isExhaustion(error) ? error : stolen();
  }
}

/** Makes the FIFO that was just made the owner's, who is the only one to write to it. */
function giveTo(owner: Owner, fd: number, stat: Stats, stolen: () => Failure): void {
  if (!stat.isFIFO() || stat.uid !== process.geteuid?.() || stat.nlink !== 1) throw stolen();
  // A default ACL of the directory goes over the umask.
  if ((stat.mode & 0o077) !== 0) fchmodSync(fd, 0o600);
  if (owner.uid !== stat.uid) fchownSync(fd, owner.uid, owner.gid);
}

function quietly(action: () => void): void {
  try {
    action();
  } catch {
    // Already gone.
  }
}
