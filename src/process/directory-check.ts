import { lstatSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Failure } from '../failure/failure.ts';
import { errorCode } from '../failure/system-error.ts';
import type { Account } from './account.ts';

/** Who can exchange what a path leads to: nobody but root, or Kamailio's account, too. */
export type Control = 'root alone' | 'the account, too';

/**
 * Makes sure that nobody but root and Kamailio's account (`owner`) can put a file or a link into a directory, or swap
 * it. A directory that does not exist yet passes if its parents do. Returns who controls the way to it.
 * Throws Failure.
 */
export function checkDirectory(path: string, owner: Account | undefined): Control {
  const found = lookAt(path);
  if (found) checkOne(path, found, owner);
  return checkWay(path, owner);
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
 * as there are any: who controls one of them chooses where the path leads. Returns who that is.
 */
export function checkWay(path: string, owner: Account | undefined): Control {
  const names = dirname(path).split('/');
  let control: Control = 'root alone';
  for (let at = '/'; names.length > 0; ) {
    const next = join(at, names.shift() ?? '');
    const found = lookAt(next);
    if (!found) return control;
    if (next !== '/') checkAncestor(path, next, found, owner);
    if (isControlledBy(owner, found)) control = 'the account, too';
    if (!found.isSymbolicLink()) {
      at = next;
      continue;
    }
    const target = follow(path, next);
    names.unshift(...target.split('/'));
    if (target.startsWith('/')) at = '/';
  }
  return control;
}

/** Whether Kamailio's account, or a member of its group, can exchange what stands in a directory, or a link. */
function isControlledBy(owner: Account | undefined, found: Stats): boolean {
  if (!owner || owner.uid === 0) return false;
  const byGroup = !found.isSymbolicLink() && (found.mode & 0o020) !== 0 && found.gid === owner.gid;
  return found.uid === owner.uid || byGroup;
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

/** What stands at a path, a link itself; undefined if there is nothing. Throws Failure. */
export function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw new Failure({
      seen: `${path} cannot be looked at (${errorCode(error)})`,
      remedy: 'correct the path',
    });
  }
}
