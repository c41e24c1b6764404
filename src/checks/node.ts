import { accessSync, constants, statSync } from 'node:fs';
import { Failure } from '../failure/failure.ts';
import { errorCode, isExhaustion } from '../failure/system-error.ts';
import { chrootOption } from '../interface/kamailio-options.ts';
import type { Params } from '../interface/parameters.ts';
import { OCF_ERR_ARGS, OCF_ERR_CONFIGURED, OCF_ERR_INSTALLED, OCF_ERR_PERM } from '../ocf/exit-code.ts';
import { type Account, findAccount, findGroup } from '../process/account.ts';
import { isExecutableFormat } from '../process/executable.ts';
import { findSetpriv, mustChange } from '../process/run-as.ts';
import { clientCertificate } from './client-certificate.ts';
import { controlSettings } from './control-settings.ts';
import { checkDirectories } from './pidfile-directory.ts';
import { checkTools } from './tools.ts';

/**
 * Checks what the parameters name on this node, without changing anything: program, files, accounts,
 * permissions. Returns the account that Kamailio will run as, undefined for the calling one.
 * Throws Failure OCF_ERR_INSTALLED, OCF_ERR_ARGS or OCF_ERR_PERM.
 */
export async function checkNode(params: Params): Promise<Account | undefined> {
  checkBinary(params);
  checkConffile(params);
  checkChroot(params);
  checkTools(params);
  clientCertificate(params);
  const owner = checkAccounts(params);
  checkDirectories(params, owner);
  return owner;
}

/** The reply FIFO is where Kamailio's root says: -t and CHROOT_DIR name the same. Throws Failure OCF_ERR_CONFIGURED. */
function checkChroot(params: Params): void {
  if (!params.kamctlrc) return;
  const { chroot } = controlSettings(params);
  const option = chrootOption(params.extra_options);
  if (option === undefined || option === chroot) return;
  throw new Failure(
    {
      where: 'extra_options',
      seen: `-t ${option}, but CHROOT_DIR in ${params.kamctlrc} is ${chroot || 'not set'}: no reply of Kamailio would be found`,
      remedy: 'name one directory in both',
    },
    OCF_ERR_CONFIGURED,
  );
}

/** The program is there and can be executed. Throws Failure OCF_ERR_INSTALLED. */
export function checkBinary({ binary }: Params): void {
  checkFile('binary', binary, constants.X_OK, 'install the package kamailio, or correct the parameter');
  if (isExecutableFormat(binary)) return;
  throw new Failure(
    {
      seen: `binary ${binary} is no program for this node (neither ELF for its processors nor a script with #!)`,
      remedy: 'reinstall the package kamailio',
    },
    OCF_ERR_INSTALLED,
  );
}

/** The configuration file is there and can be read. Throws Failure OCF_ERR_INSTALLED. */
export function checkConffile({ conffile }: Params): void {
  checkFile('conffile', conffile, constants.R_OK, 'put the configuration there, or correct the parameter');
}

/** What `check` finds is a matter of permissions. */
export function asFailure(check: () => void): void {
  try {
    check();
  } catch (error) {
    if (error instanceof Failure) throw error.as(OCF_ERR_PERM);
    throw error;
  }
}

function checkFile(name: string, path: string, access: number, remedy: string): void {
  try {
    if (!statSync(path).isFile())
      throw new Failure({ seen: `${name} ${path} is no file`, remedy: `${remedy}` }, OCF_ERR_INSTALLED);
    accessSync(path, access);
  } catch (error) {
    if (error instanceof Failure || isExhaustion(error)) throw error;
    const seen =
      errorCode(error) === 'ENOENT' ? 'does not exist on this node' : `cannot be used (${errorCode(error)})`;
    const missing = access === constants.X_OK && errorCode(error) === 'EACCES' ? 'is not executable' : seen;
    throw new Failure({ seen: `${name} ${path} ${missing}`, remedy: `${remedy}` }, OCF_ERR_INSTALLED);
  }
}

/** The accounts are known here and the caller may become them. Throws Failure OCF_ERR_ARGS or OCF_ERR_PERM. */
export function checkAccounts({ kamuser, kamgroup }: Params): Account | undefined {
  const gid = kamgroup ? findGroup(kamgroup) : undefined;
  if (kamgroup && gid === undefined) {
    throw new Failure(
      {
        seen: `the group "${kamgroup}" (kamgroup) is not known on this node`,
        remedy: 'add it, see `getent group`',
      },
      OCF_ERR_ARGS,
    );
  }
  const account = kamuser ? findAccount(kamuser) : undefined;
  if (kamuser && !account) {
    throw new Failure(
      {
        seen: `the account "${kamuser}" (kamuser) is not known on this node`,
        remedy: 'add it, see `getent passwd`',
      },
      OCF_ERR_ARGS,
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
      OCF_ERR_PERM,
    );
  }
  if (account && mustChange(account) && !findSetpriv()) {
    throw new Failure(
      {
        seen: `there is no setpriv on this node, by which root starts Kamailio as ${kamuser}`,
        remedy: 'install the package util-linux',
      },
      OCF_ERR_INSTALLED,
    );
  }
  return account && { ...account, gid: gid ?? account.gid };
}
