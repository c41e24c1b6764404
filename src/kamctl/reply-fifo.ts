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
import { Failure } from '../failure/failure.ts';
import { quietly } from '../failure/quietly.ts';
import { isExhaustion } from '../failure/system-error.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { newReplyFifoName } from './fifo-names.ts';
import type { ControlSettings } from './kamctlrc.ts';
import { makeFifo } from './make-fifo.ts';
import { isReplyFifoOf, leaveSpareFifo, type Owner, takeSpareFifo } from './reusable-fifo.ts';

/** A FIFO for one reply. */
export interface ReplyFifo {
  /** Its name in the reply directory. */
  readonly name: string;
  /** The reading end, non-blocking. */
  readonly fd: number;
  /** Throws Failure when the name does not lead to this FIFO any more: why no reply came. */
  checkInPlace(): void;
  /** Removes the name, or leaves the FIFO as the spare one. To be called when the whole reply has been read. */
  release(isSpare: boolean): void;
  /** Removes the name, if it is still there, and closes the reading end. */
  close(): void;
  /** Whether it was the spare one. */
  readonly wasSpare: boolean;
}

/**
 * Takes the spare FIFO or makes one, which only Kamailio's account can write to, under a name that nobody can guess.
 * The directory is usually /tmp, where every local user may put files: so a FIFO is opened without following a link,
 * and looked at through its descriptor. Throws Failure, at `deadline` the latest.
 */
export function openReplyFifo(settings: ControlSettings, owner: Owner, deadline: Deadline): ReplyFifo {
  const { replyDirectory, spareFifo, replyPrefix } = settings;
  const name = newReplyFifoName(replyPrefix);
  const path = join(replyDirectory, name);
  const wasSpare = takeSpareFifo(spareFifo, path, owner);
  const maker = wasSpare ? owner.uid : makeFifo(replyDirectory, name, owner, deadline);
  let isNamed = true;
  const giveUp = (action: () => void) => {
    if (isNamed) quietly(action);
    isNamed = false;
  };
  const remove = () => giveUp(() => unlinkSync(path));
  // Only in a directory whose files others may remove; the name is known to all who can list it.
  const stolen = () =>
    new Failure({
      seen: `${path} was taken away or exchanged by somebody`,
      remedy: `${replyDirectory} must be root's and sticky (mode 1777); find out who changes files in it`,
    });
  try {
    const { fd, stat } = openOwn(path, maker, owner, stolen);
    return {
      name,
      fd,
      wasSpare,
      checkInPlace: () => {
        const there = lstatSync(path, { throwIfNoEntry: false });
        if (there?.ino !== stat.ino || there.dev !== stat.dev) throw stolen();
      },
      release: (isSpare) =>
        giveUp(() => (isSpare ? leaveSpareFifo(path, spareFifo, owner) : unlinkSync(path))),
      close: () => {
        remove();
        quietly(() => closeSync(fd));
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Opens the FIFO that was just made or moved; whatever else has its name by now is not followed and not waited for. */
function openOwn(
  path: string,
  maker: number,
  owner: Owner,
  stolen: () => Failure,
): { readonly fd: number; readonly stat: Stats } {
  const fd = open(path, stolen);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFIFO() || stat.uid !== maker || stat.nlink !== 1) throw stolen();
    // A default ACL of the directory goes over the umask.
    if ((stat.mode & 0o077) !== 0) fchmodSync(fd, 0o600);
    if (owner.uid !== maker) fchownSync(fd, owner.uid, owner.gid);
    if (!isReplyFifoOf(owner, fstatSync(fd))) throw stolen();
    return { fd, stat };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function open(path: string, stolen: () => Failure): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    throw isExhaustion(error) ? error : stolen();
  }
}
