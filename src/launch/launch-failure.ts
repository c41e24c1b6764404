import { Failure } from '../failure/failure.ts';
import { isExhaustion } from '../failure/system-error.ts';
import type { Params } from '../interface/parameters.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { OCF_ERR_GENERIC } from '../ocf/exit-code.ts';
import type { Account } from '../process/account.ts';
import { mustChange } from '../process/run-as.ts';
import { terminateInstance } from '../process/terminate.ts';
import { kamailioArguments } from './command-line.ts';
import { cannotBeRun, checkConfiguration } from './configuration.ts';
import { errorLines, type Launch, type LaunchEnd, launch } from './launch.ts';
import { socketHolders } from './socket-holders.ts';

/** How long Kamailio is given to repeat its mistake in the foreground, ms. */
const REPEAT_MS = 5000;

/**
 * The Failure for a Kamailio that exited instead of serving: OCF_ERR_ARGS when it rejects its
 * configuration, OCF_ERR_INSTALLED when it could not be executed, else `generic`. The reason carries Kamailio's
 * own last lines, and who holds the socket that it wanted.
 */
export async function explainFailedLaunch(
  params: Params,
  account: Account | undefined,
  end: LaunchEnd | undefined,
  launched: Launch | undefined,
  deadline: Deadline,
): Promise<Failure> {
  if (end?.kind === 'not started') {
    if (isExhaustion(end.error)) throw end.error;
    return cannotBeRun(params, account, end.error.message);
  }
  const rejected = configurationFailure(params, account, deadline);
  if (rejected) return rejected;
  const lines = errorLines(launched?.errors ?? '', 'last');
  const words = lines.length > 0 ? lines : await repeatInForeground(params, account, deadline);
  const holders = socketHolders(params, words);
  const seen = [
    `Kamailio ${describe(end)} instead of serving`,
    // First, since the cluster keeps no more than 127 characters of a reason.
    ...(holders.length > 0 ? [`in use: ${holders.join(', ')}`] : []),
    ...(words.length > 0 ? [words.join(' | ')] : []),
  ];
  return new Failure(
    {
      seen: seen.join(': '),
      remedy: [
        ...(account && mustChange(account) && words.some(isPermission) ? [withoutRoot(account)] : []),
        'see its log',
        ...(holders.length > 0 ? ['end what holds the socket'] : []),
      ].join(', and '),
    },
    OCF_ERR_GENERIC,
  );
}

function configurationFailure(
  params: Params,
  account: Account | undefined,
  deadline: Deadline,
): Failure | undefined {
  try {
    checkConfiguration(params, account, deadline);
    return undefined;
  } catch (error) {
    return error instanceof Failure ? error : undefined;
  }
}

/**
 * Kamailio logs to syslog unless its configuration says otherwise, where the agent cannot see it. So it is
 * started once more with the same options, in the foreground and logging to stderr (-DD -E): what made it
 * exit does so again, and is heard. If it comes up this time it is ended again: the start has failed.
 */
async function repeatInForeground(
  params: Params,
  account: Account | undefined,
  deadline: Deadline,
): Promise<string[]> {
  const patience = deadline.sooner(REPEAT_MS);
  const again = launch(params.binary, [...kamailioArguments(params), '-DD', '-E'], account);
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, patience.remaining);
  });
  await Promise.race([again.ended, expired]);
  clearTimeout(timer);
  const lines = again.end ? errorLines(again.errors, 'last') : [];
  await terminateInstance(params, deadline.sooner(REPEAT_MS), deadline, { only: again.owns });
  again.release();
  return lines;
}

function describe(end: LaunchEnd | undefined): string {
  if (end?.kind === 'signal') return `was ended by ${end.signal}`;
  return end?.kind === 'exit' && end.code !== 0 ? `exited with ${end.code}` : 'exited';
}

function isPermission(line: string): boolean {
  return /permission denied|operation not permitted|EACCES|EPERM/i.test(line);
}

/** What Kamailio could do as root, and cannot do as its account. The shell agent starts it without root, too. */
function withoutRoot({ name }: Account): string {
  return `Kamailio runs as ${name}, without root: give it a port from 1024 on, and files that ${name} may read`;
}
