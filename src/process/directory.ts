import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  mkdirSync,
  openSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Failure } from '../failure/failure.ts';
import { quietly } from '../failure/quietly.ts';
import { errorCode } from '../failure/system-error.ts';
import { runProgram } from '../system/run-program.ts';
import { oneLine } from '../text/one-line.ts';
import type { Account } from './account.ts';
import { checkDirectory, checkWay, lookAt } from './directory-check.ts';
import { commandAs, mustChange } from './run-as.ts';

/** A disk that does not answer must not hold up a stop, ms. */
const TOOL_LIMIT_MS = 5000;

/**
 * Makes a directory that Kamailio's account writes to, unless it is there, and makes sure that nobody
 * else can put a file or a link into it, or swap it.
 * /run is empty after a boot, so this is the first thing a start does. `owner` is Kamailio's account,
 * or undefined for the calling one. One that is there may be exempt from the checks: the operator's own
 * choice, such as /tmp for a FIFO. Throws Failure.
 */
export function ensureDirectory(
  path: string,
  owner: Account | undefined,
  existing: 'checked' | 'as it is',
): void {
  const found = lookAt(path);
  if (found === undefined) make(path, owner);
  if (found === undefined || existing === 'checked') checkDirectory(path, owner);
}

/**
 * Removes an entry of a directory that Kamailio's account may write to. The account may have put a link in the
 * directory's place meanwhile, so root acts through a descriptor that no link can have opened, and where the account
 * controls the way as well, as the account. Throws Failure, or the system's error (ENOENT: not there).
 */
export function removeFrom(directory: string, name: string, owner: Account | undefined): void {
  const isAccountsWay = checkDirectory(directory, owner) === 'the account, too' && owner && mustChange(owner);
  const fd = openDirectory(directory);
  try {
    // Wherever the account leads root: in a directory of its own it could remove the file itself.
    if (isAccountsWay && fstatSync(fd).uid !== owner.uid)
      runAs(owner, 'rm', ['-f', '--', join(directory, name)]);
    else unlinkSync(`/proc/self/fd/${fd}/${name}`);
  } finally {
    closeSync(fd);
  }
}

/** Removes a directory if it is empty; anything else about it is left to whoever made it so. */
export function removeIfEmpty(path: string): void {
  quietly(() => rmdirSync(path));
}

/**
 * Makes a directory and the missing ones above it, one after the other from the top, each in a place that
 * was checked before. Only the last one goes to `owner`. Root makes directories only where nobody else can exchange
 * them: what is made is then changed through its descriptor. Where the account controls the way, the account makes
 * them itself, and nothing that it exchanges meanwhile is more than its own.
 */
function make(path: string, owner: Account | undefined): void {
  const parent = dirname(path);
  if (!lookAt(parent)) make(parent, ownerOfParent(parent, owner));
  const control = checkDirectory(path, owner);
  try {
    if (control === 'the account, too' && owner && mustChange(owner)) {
      runAs(owner, 'mkdir', ['-m', '0755', '--', path]);
      return;
    }
    mkdirSync(path, { mode: 0o755 });
    const fd = openDirectory(path);
    try {
      fchmodSync(fd, 0o755);
      if (owner && mustChange(owner)) fchownSync(fd, owner.uid, owner.gid);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    // Another start was a moment faster; the check that follows judges what it made.
    if (errorCode(error) === 'EEXIST') return;
    const why = error instanceof Failure ? error.message : errorCode(error);
    throw new Failure({
      seen: `cannot make the directory ${path} (${why})`,
      remedy: "make it, owned by Kamailio's account",
    });
  }
}

/** Missing parents are root's, unless the account controls the way to them. */
function ownerOfParent(parent: string, owner: Account | undefined): Account | undefined {
  return checkWay(parent, owner) === 'root alone' ? undefined : owner;
}

/** A descriptor of the directory itself; what a link leads to is not opened. Throws the system's error. */
function openDirectory(path: string): number {
  return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
}

/** Runs a program of coreutils as `owner`. Throws Failure with what it said. */
function runAs(owner: Account, tool: 'mkdir' | 'rm', words: readonly string[]): void {
  const { program, args, env } = commandAs(owner, `/bin/${tool}`, words, '--clear-groups');
  const done = runProgram(program, args, { env: { ...env, LC_ALL: 'C' }, limitMs: TOOL_LIMIT_MS });
  if (done.status !== 0) {
    throw new Failure({
      seen: oneLine(done.error?.message ?? done.stderr, 200),
      remedy: `see what ${owner.name} may do there`,
    });
  }
}
