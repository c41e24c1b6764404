import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  rmdirSync,
  type Stats,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errorCode } from '../error-code.ts';
import { Failure } from '../failure.ts';
import type { Account } from './account.ts';

/**
 * Makes a directory that Kamailio's account writes to, unless it is there, and makes sure that nobody
 * else can put a file or a link into it, or swap it: root is going to write and remove files there.
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

/** The checks of `ensureDirectory` alone; a directory that does not exist yet passes if its parents do. */
export function checkDirectory(path: string, owner: Account | undefined): void {
  const found = lookAt(path);
  if (found) checkOne(path, found, owner);
  checkWay(path, owner);
}

/** Removes a directory if it is empty; anything else about it is left to whoever made it so. */
export function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Not empty, or not there.
  }
}

/**
 * Makes a directory and the missing ones above it, one after the other from the top, each in a place that
 * was checked before: mkdir and chown in a stranger's directory can be led astray. Only the last one goes
 * to `owner`.
 */
function make(path: string, owner: Account | undefined): void {
  const parent = dirname(path);
  if (!lookAt(parent)) make(parent, undefined);
  checkDirectory(path, owner);
  try {
    const real = join(realpathSync(parent), basename(path));
    mkdirSync(real, { mode: 0o755 });
    chmodSync(real, 0o755);
    if (owner && owner.uid !== process.geteuid?.()) chownSync(real, owner.uid, owner.gid);
  } catch (error) {
    // Another start was a moment faster; the check that follows judges what it made.
    if (errorCode(error) === 'EEXIST') return;
    throw new Failure({
      seen: `cannot make the directory ${path} (${errorCode(error)})`,
      remedy: "make it, owned by Kamailio's account",
    });
  }
}

function checkOne(path: string, found: Stats, owner: Account | undefined): void {
  if (found.isSymbolicLink())
    throw new Failure({
      seen: `${path} is a symbolic link, which could lead root anywhere`,
      remedy: 'put a real directory there',
    });
  if (!found.isDirectory()) throw new Failure({ seen: `${path} is no directory`, remedy: 'remove it' });
  if (!isTrusted(found.uid, owner))
    throw new Failure({
      seen: `${path} belongs to another account (uid ${found.uid})`,
      remedy: "chown it to Kamailio's account or root",
    });
  if (isWritableByStrangers(found, owner)) {
    throw new Failure({
      seen: `others may write to ${path} (mode ${mode(found)})`,
      remedy: 'chmod it to 0755, or choose a pidfile in a directory of its own',
    });
  }
}

/**
 * Goes the way to a path as the kernel does, link by link, and judges each directory and each link on it, as far
 * as there are any: who controls one of them chooses where the path leads.
 */
function checkWay(path: string, owner: Account | undefined): void {
  const names = dirname(path).split('/');
  for (let at = '/'; names.length > 0; ) {
    const next = join(at, names.shift() ?? '');
    const found = lookAt(next);
    if (!found) return;
    if (next !== '/') checkAncestor(path, next, found, owner);
    if (!found.isSymbolicLink()) {
      at = next;
      continue;
    }
    const target = follow(path, next);
    names.unshift(...target.split('/'));
    if (target.startsWith('/')) at = '/';
  }
}

function checkAncestor(path: string, parent: string, found: Stats, owner: Account | undefined): void {
  const sticky = (found.mode & 0o1000) !== 0;
  const open = isWritableByStrangers(found, owner) && !sticky && !found.isSymbolicLink();
  if (isTrusted(found.uid, owner) && !open) return;
  const what = found.isSymbolicLink()
    ? 'is the symbolic link of another account'
    : 'another account controls';
  throw new Failure({
    seen: `${path} lies below ${parent}, which ${what} (uid ${found.uid}, mode ${mode(found)})`,
    remedy: "choose a directory below root's own, such as /run",
  });
}

/** Where a link leads, which must be somewhere. */
function follow(path: string, link: string): string {
  try {
    statSync(link);
    return readlinkSync(link);
  } catch (error) {
    throw new Failure({
      seen: `${path} lies below ${link}, which leads nowhere (${errorCode(error)})`,
      remedy: 'correct the path',
    });
  }
}

function isTrusted(uid: number, owner: Account | undefined): boolean {
  return uid === 0 || uid === owner?.uid || uid === process.geteuid?.();
}

function isWritableByStrangers(found: Stats, owner: Account | undefined): boolean {
  if ((found.mode & 0o002) !== 0) return true;
  const ownGroups = [0, owner?.gid, process.getegid?.()];
  return (found.mode & 0o020) !== 0 && !ownGroups.includes(found.gid);
}

function mode(found: Stats): string {
  return (found.mode & 0o7777).toString(8).padStart(4, '0');
}

function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw new Failure({
      seen: `${path} cannot be looked at (${errorCode(error)})`,
      remedy: 'correct the path',
    });
  }
}
