import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { Failure } from '../failure/failure.ts';
import { errorCode, isExhaustion } from '../failure/system-error.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { runProgram } from '../system/run-program.ts';
import type { Owner } from './reusable-fifo.ts';

/** Node.js has no call for mkfifo(3); coreutils' program is on every Linux. */
const MKFIFO_PROGRAMS = ['/usr/bin/mkfifo', '/bin/mkfifo'] as const;

/**
 * Makes a FIFO for a reply to `owner`, with mode 0600, and returns the uid that it belongs to. The directory is
 * usually /tmp, where every local user may put files. There root makes nothing: mkfifo runs as Kamailio's account, to
 * which the FIFO then belongs. Only in a directory that nobody but root may change root makes it itself. The directory
 * is entered by its descriptor, so that a name exchanged meanwhile leads nowhere else. Throws Failure.
 */
export function makeFifo(directory: string, name: string, owner: Owner, deadline: Deadline): number {
  const me = process.geteuid?.() ?? 0;
  if (me !== 0 && me !== owner.uid) {
    throw new Failure({
      seen: `no permission to give Kamailio (uid ${owner.uid}) a FIFO for its reply: this agent runs as uid ${me}`,
      remedy: "call the agent as root or as Kamailio's account",
    });
  }
  const fd = openDirectory(directory);
  try {
    const maker = me === 0 && !isRootsAlone(fd) ? owner : { uid: me, gid: process.getegid?.() ?? 0 };
    runMkfifo(fd, directory, name, maker.uid === me ? undefined : maker, deadline);
    return maker.uid;
  } finally {
    closeSync(fd);
  }
}

function openDirectory(directory: string): number {
  try {
    return openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (isExhaustion(error)) throw error;
    throw new Failure({
      seen: `the directory ${directory} for Kamailio's replies cannot be used (${errorCode(error)})`,
      remedy: 'name that of modparam("jsonrpcs", "fifo_reply_dir", ...) as RPCFIFOREPLYDIR in kamctlrc',
    });
  }
}

/** Whether root alone may put names there. An access control list shows in the bits of the group. */
function isRootsAlone(fd: number): boolean {
  const { uid, mode } = fstatSync(fd);
  return uid === 0 && (mode & 0o022) === 0;
}

function runMkfifo(
  fd: number,
  directory: string,
  name: string,
  account: Owner | undefined,
  deadline: Deadline,
): void {
  for (const program of MKFIFO_PROGRAMS) {
    const made = withUmask(0o177, () =>
      runProgram(program, [name], {
        cwd: `/proc/self/fd/${fd}`,
        env: { LC_ALL: 'C' },
        limitMs: deadline.remaining,
        ...(account && { uid: account.uid, gid: account.gid }),
      }),
    );
    if (made.error && errorCode(made.error) === 'ENOENT') continue;
    if (made.status === 0) return;
    // `mkfifo: cannot create fifo 'NAME': No space left on device`, of which the last words say why.
    const why = made.error ? errorCode(made.error) : made.stderr.trim().split(': ').at(-1);
    throw new Failure({
      seen: `the FIFO for the reply cannot be made in ${directory} (${why})`,
      remedy: `is the disk full, the directory read-only, or closed to Kamailio's account (uid ${account?.uid ?? process.geteuid?.()})?`,
    });
  }
  throw new Failure({ seen: 'there is no mkfifo program on this node', remedy: 'install coreutils' });
}

/**
 * The mode comes by the umask, not by mkfifo's own option: that one is a chmod by name, which for an old coreutils
 * follows a link that somebody has put there meanwhile.
 */
function withUmask<T>(mask: number, make: () => T): T {
  const before = process.umask(mask);
  try {
    return make();
  } finally {
    process.umask(before);
  }
}
