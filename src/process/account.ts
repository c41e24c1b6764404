import { readFileSync } from 'node:fs';
import { runProgram } from '../system/run-program.ts';

/** An account of this node (passwd(5)). */
export interface Account {
  readonly name: string;
  readonly uid: number;
  /** The account's primary group. */
  readonly gid: number;
  readonly home: string;
}

/**
 * Looks up an account by name or number: in /etc/passwd, and where that has none (LDAP, SSSD) through the
 * name service, by getent(1). Undefined when the node does not know it.
 */
export function findAccount(nameOrUid: string): Account | undefined {
  const [name = '', , uid, gid, , home = '/'] = findEntry('passwd', nameOrUid) ?? [];
  return uid === undefined ? undefined : { name, uid: Number(uid), gid: Number(gid), home };
}

/** Looks up a group's number by name or number, in the same places; undefined when the node does not know it. */
export function findGroup(nameOrGid: string): number | undefined {
  const fields = findEntry('group', nameOrGid);
  return fields ? Number(fields[2]) : undefined;
}

/** Looks up a group's name, in the same places; undefined when the node does not know it. */
export function findGroupName(gid: number): string | undefined {
  return findEntry('group', String(gid))?.[0];
}

function findEntry(database: 'passwd' | 'group', key: string): string[] | undefined {
  const known = pick(readFileSync(`/etc/${database}`, 'utf8'), key);
  if (known) return known;
  // The key is one of `accountName`'s: it cannot be taken for an option.
  const answer = runProgram('/usr/bin/getent', [database, key], { limitMs: 3000 });
  if (answer.status !== 0) return undefined;
  // A directory may answer for DOMAIN\user with the name that it prefers: user@realm. A number must be the one asked for.
  return (
    pick(answer.stdout, key) ?? (/^\d+$/.test(key) ? undefined : answer.stdout.split('\n', 1)[0]?.split(':'))
  );
}

function pick(table: string, key: string): string[] | undefined {
  return table
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields.length > 2 && (fields[0] === key || fields[2] === key));
}
