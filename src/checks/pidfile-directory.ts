import { lstatSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Failure } from '../failure/failure.ts';
import type { Params } from '../interface/parameters.ts';
import { OCF_ERR_PERM } from '../ocf/exit-code.ts';
import { type Account, findAccount, findGroupName } from '../process/account.ts';
import { checkDirectory } from '../process/directory-check.ts';
import { mustChange } from '../process/run-as.ts';

/** Nobody but Kamailio's account can meddle with the pidfile. Throws Failure OCF_ERR_PERM. */
export function checkDirectories(params: Params, owner: Account | undefined): void {
  const directory = dirname(params.pidfile);
  try {
    checkDirectory(directory, owner);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const hint = accountHint(directory, owner);
    const problems = error.problems.map((problem) =>
      hint === undefined ? problem : { ...problem, remedy: `${hint}; else ${problem.remedy ?? 'mend it'}` },
    );
    throw new Failure(problems, OCF_ERR_PERM);
  }
  if (!owner || !mustChange(owner) || mayWrite(owner, directory)) return;
  throw new Failure(
    {
      seen: `${owner.name} may not write the pidfile into ${directory}`,
      remedy: `\`chown ${owner.name} ${directory}\`, or choose a pidfile in a directory of its own`,
    },
    OCF_ERR_PERM,
  );
}

/**
 * The directory of the distribution's package (/run/kamailio) is the account kamailio's, or its group may write to it.
 * Where kamuser does not say so, the agent takes that account for a stranger. Returns what to set; undefined if the
 * owner is not what is wrong.
 */
function accountHint(directory: string, owner: Account | undefined): string | undefined {
  const found = lookIfPossible(directory);
  if (!found?.isDirectory() || (found.mode & 0o002) !== 0) return undefined;
  const account = ownerBesides(found, owner);
  if (account !== undefined) return `if Kamailio is to run as ${account}, set kamuser=${account}`;
  const group = groupBesides(found, owner);
  if (group === undefined) return undefined;
  if (owner)
    return `kamuser=${owner.name} runs in another group: if it may be ${group}, set kamgroup=${group}`;
  return findAccount(group)?.gid === found.gid
    ? `if Kamailio is to run as ${group}, set kamuser=${group}`
    : undefined;
}

/** What the check could not look at either has no owner to name. */
function lookIfPossible(directory: string): Stats | undefined {
  try {
    return lstatSync(directory);
  } catch {
    return undefined;
  }
}

/** The name of the account that a directory belongs to, if that is neither root, the caller nor Kamailio's. */
function ownerBesides({ uid }: Stats, owner: Account | undefined): string | undefined {
  if ([0, process.geteuid?.(), owner?.uid].includes(uid)) return undefined;
  return findAccount(String(uid))?.name;
}

/** The name of the group that may write to a directory, if that is neither root's, the caller's nor Kamailio's. */
function groupBesides({ mode, gid }: Stats, owner: Account | undefined): string | undefined {
  if ((mode & 0o020) === 0 || [0, process.getegid?.(), owner?.gid].includes(gid)) return undefined;
  return findGroupName(gid);
}

/**
 * Whether an account may put files into a directory; one that is missing yet will be the account's own. The group's
 * bits may stand for an ACL that lets the account in (acl(5)): then Kamailio itself finds out.
 */
function mayWrite({ uid, gid }: Account, directory: string): boolean {
  const found = statSync(directory, { throwIfNoEntry: false });
  if (!found) return true;
  const bit = found.uid === uid ? 0o200 : found.gid === gid ? 0o020 : 0o022;
  return (found.mode & bit) !== 0;
}
