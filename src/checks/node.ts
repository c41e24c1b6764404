import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode, isExhaustion } from '../error-code.ts';
import { Failure } from '../failure.ts';
import { ExitCode } from '../ocf/exit-code.ts';
import type { Params } from '../params/table.ts';
import { type Account, findAccount, findGroup } from '../process/account.ts';
import { checkDirectory } from '../process/directory.ts';
import { isExecutableFormat } from '../process/executable.ts';
import { controlSettings } from './control-settings.ts';
import { checkTools } from './tools.ts';

/**
 * Checks what the parameters name on this node, without changing anything: program, files, accounts,
 * permissions. Returns the account that Kamailio will run as, undefined for the calling one.
 * Throws Failure `installed`, `arguments` or `permission`.
 */
export async function checkNode(params: Params): Promise<Account | undefined> {
  checkBinary(params);
  checkConffile(params);
  if (params.kamctlrc) controlSettings(params);
  checkTools(params);
  const owner = checkAccounts(params);
  checkDirectories(params, owner);
  return owner;
}

/** The program is there and can be executed. Throws Failure `installed`. */
export function checkBinary({ binary }: Params): void {
  checkFile('binary', binary, constants.X_OK, 'install the package kamailio, or correct the parameter');
  if (isExecutableFormat(binary)) return;
  throw new Failure(
    {
      seen: `binary ${binary} is no program for this node (neither ELF for its processors nor a script with #!)`,
      remedy: 'reinstall the package kamailio',
    },
    ExitCode.installed,
  );
}

/** The configuration file is there and can be read. Throws Failure `installed`. */
export function checkConffile({ conffile }: Params): void {
  checkFile('conffile', conffile, constants.R_OK, 'put the configuration there, or correct the parameter');
}

/** Nobody but Kamailio's account can meddle with the pidfile. Throws Failure `permission`. */
export function checkDirectories(params: Params, owner: Account | undefined): void {
  asFailure(() => checkDirectory(dirname(params.pidfile), owner));
}

/** What `check` finds is a matter of permissions. */
export function asFailure(check: () => void): void {
  try {
    check();
  } catch (error) {
    if (error instanceof Failure) throw error.as(ExitCode.permission);
    throw error;
  }
}

function checkFile(name: string, path: string, access: number, remedy: string): void {
  try {
    if (!statSync(path).isFile())
      throw new Failure({ seen: `${name} ${path} is no file`, remedy: `${remedy}` }, ExitCode.installed);
    accessSync(path, access);
  } catch (error) {
    if (error instanceof Failure || isExhaustion(error)) throw error;
    const seen =
      errorCode(error) === 'ENOENT' ? 'does not exist on this node' : `cannot be used (${errorCode(error)})`;
    const missing = access === constants.X_OK && errorCode(error) === 'EACCES' ? 'is not executable' : seen;
    throw new Failure({ seen: `${name} ${path} ${missing}`, remedy: `${remedy}` }, ExitCode.installed);
  }
}

/** The accounts are known here and the caller may become them. Throws Failure `arguments` or `permission`. */
export function checkAccounts({ kamuser, kamgroup }: Params): Account | undefined {
  const gid = kamgroup ? findGroup(kamgroup) : undefined;
  if (kamgroup && gid === undefined) {
    throw new Failure(
      {
        seen: `the group "${kamgroup}" (kamgroup) is not known on this node`,
        remedy: 'add it, see `getent group`',
      },
      ExitCode.arguments,
    );
  }
  const account = kamuser ? findAccount(kamuser) : undefined;
  if (kamuser && !account) {
    throw new Failure(
      {
        seen: `the account "${kamuser}" (kamuser) is not known on this node`,
        remedy: 'add it, see `getent passwd`',
      },
      ExitCode.arguments,
    );
  }
  const caller = process.geteuid?.();
  if (
    caller !== 0 &&
    ((account && account.uid !== caller) || (gid !== undefined && gid !== process.getegid?.()))
  ) {
    throw new Failure(
      {
        seen: `only root can start Kamailio as ${kamuser || 'another account'}${kamgroup && `:${kamgroup}`}`,
        remedy: 'call the agent as root, or leave kamuser and kamgroup empty',
      },
      ExitCode.permission,
    );
  }
  return account && { uid: account.uid, gid: gid ?? account.gid };
}
