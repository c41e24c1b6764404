import { Failure } from '../failure/failure.ts';
import { errorCode } from '../failure/system-error.ts';
import type { Params } from '../interface/parameters.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { OCF_ERR_ARGS, OCF_ERR_GENERIC, OCF_ERR_INSTALLED, OCF_ERR_PERM } from '../ocf/exit-code.ts';
import type { Account } from '../process/account.ts';
import { commandAs, mustChange, whyNotRun } from '../process/run-as.ts';
import { runProgram } from '../system/run-program.ts';
import { configuredArguments } from './command-line.ts';
import { errorLines } from './launch.ts';

/**
 * Lets Kamailio check its configuration file (`-c`), with the options that it would be started with:
 * they may define what the file's #!ifdef ask for; and as the account that it would run as, since nothing that the
 * file names is to be opened by root; or with other `options`. A running instance is not disturbed.
 * Returns what Kamailio prints: the sockets that it would listen on.
 * Throws Failure OCF_ERR_ARGS with Kamailio's own words, which name line and column.
 */
export function checkConfiguration(
  params: Params,
  account: Account | undefined,
  deadline: Deadline,
  options: readonly string[] = configuredArguments(params),
): string {
  const words = ['-c', '-f', params.conffile, ...options];
  const { program, args, env } = commandAs(account, params.binary, words);
  const check = runProgram(program, args, {
    env: { ...env, ...params.environment },
    limitMs: deadline.remaining,
  });
  if (check.status === 0) return check.stdout;
  const as = account && mustChange(account) ? ` as ${account.name}` : '';
  const byHand = `\`${params.binary} -c -f ${params.conffile}\`${as} shows all`;
  if (check.error || check.signal) {
    const isLate = check.error !== undefined && errorCode(check.error) === 'ETIMEDOUT';
    const why = isLate ? 'it did not end in time' : (check.error?.message ?? `ended by ${check.signal}`);
    throw new Failure(
      {
        seen: `Kamailio could not check ${params.conffile} (${why})`,
        remedy: isLate
          ? `if the DNS does not answer, write auto_aliases=no into kamailio.cfg: else Kamailio looks each of its addresses up before it serves; ${byHand}`
          : byHand,
      },
      OCF_ERR_GENERIC,
    );
  }
  const why = program === params.binary ? undefined : whyNotRun(check.stderr);
  if (why !== undefined) throw cannotBeRun(params, account, why);
  const lines = errorLines(check.stderr, 'first').map((line) =>
    line.replace(` in config file ${params.conffile}`, ''),
  );
  throw new Failure(
    {
      seen: `Kamailio rejects its configuration ${params.conffile}: ${lines.join(' | ') || `exit code ${check.status}`}`,
      remedy: `mend the file, ${byHand}`,
    },
    OCF_ERR_ARGS,
  );
}

/** The Failure for a Kamailio that cannot be executed (`installed`), not as its account (`permission`), or not now. */
export function cannotBeRun({ binary }: Params, account: Account | undefined, why: string): Failure {
  // execve(2): an account that has all the processes it may have. Another moment or another node may have room.
  if (/resource temporarily unavailable|cannot allocate memory/i.test(why))
    return new Failure(
      {
        seen: `no room for ${binary}: ${why}`,
        remedy: `compare the processes of ${account?.name ?? 'the account'} with LimitNPROC of pacemaker.service, see \`free\`, and end what uses them up`,
      },
      OCF_ERR_GENERIC,
    );
  if (account && mustChange(account)) {
    return new Failure(
      {
        seen: `setpriv cannot start ${binary} as ${account.name} (${why})`,
        remedy: 'the agent needs CAP_SETUID and CAP_SETGID, which a container may lack',
      },
      OCF_ERR_PERM,
    );
  }
  return new Failure(
    { seen: `binary ${binary} cannot be executed (${why})`, remedy: 'reinstall the package kamailio' },
    OCF_ERR_INSTALLED,
  );
}
