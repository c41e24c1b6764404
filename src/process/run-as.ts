import { accessSync, constants } from 'node:fs';
import type { Account } from './account.ts';

/** util-linux's program is in /usr/bin; where /bin is a directory of its own it may be there. */
const SETPRIV_PROGRAMS = ['/usr/bin/setpriv', '/bin/setpriv'] as const;

/** A program, its arguments and its environment, as spawn takes them. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/**
 * The command that runs a program as `account`. If the agent is root and the account is another one, it goes through
 * setpriv(1), which changes user, group and supplementary groups and then executes the program in its own place:
 * the pid stays, and /proc/PID/cmdline is that of the program, word for word. Else the program itself.
 *
 * Kamailio needs no root. It writes its pidfile by name, through links, before its option -u takes effect, into a
 * directory that the account controls. As root it could be led to create files anywhere.
 */
export function commandAs(
  account: Account | undefined,
  program: string,
  args: readonly string[],
  groups: '--init-groups' | '--clear-groups' = '--init-groups',
): Command {
  if (!account || !mustChange(account)) return { program, args, env: process.env };
  const { uid, gid, name, home } = account;
  const change = ['--reuid', String(uid), '--regid', String(gid), groups, '--'];
  const setpriv = findSetpriv() ?? SETPRIV_PROGRAMS[0];
  // What su, by which the shell agent starts Kamailio, sets for the account.
  const env = { ...process.env, HOME: home, USER: name, LOGNAME: name };
  return { program: setpriv, args: [...change, program, ...args], env };
}

/** Whether a program can only be run as `account` by a change of accounts: the agent is root, the account is not. */
export function mustChange(account: Account): boolean {
  return process.geteuid?.() === 0 && account.uid !== 0;
}

/** What setpriv said if it could not become the program; undefined if `errors` are the program's own. */
export function whyNotRun(errors: string): string | undefined {
  return /^setpriv: (.*)/m.exec(errors)?.[1];
}

/** Path of setpriv; undefined if this node has none. */
export function findSetpriv(): string | undefined {
  return SETPRIV_PROGRAMS.find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
