import { Failure } from '../failure/failure.ts';
import { isExhaustion } from '../failure/system-error.ts';
import type { Params } from '../interface/parameters.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { OCF_ERR_GENERIC } from '../ocf/exit-code.ts';
import type { Account } from '../process/account.ts';
import { mustChange } from '../process/run-as.ts';
import { cannotBeRun, checkConfiguration } from './configuration.ts';
import { errorLines, type Launch, type LaunchEnd } from './launch.ts';
import { canPass, PassingFailure } from './passing.ts';
import { type Repetition, repeatInForeground } from './repeat.ts';
import { makeSocketDirectories, mayLackDirectory } from './socket-directories.ts';
import { socketHolders } from './socket-holders.ts';

/**
 * The Failure for a Kamailio that exited instead of serving: OCF_ERR_ARGS when it rejects its
 * configuration, OCF_ERR_INSTALLED when it could not be executed, else `generic`. The reason carries Kamailio's
 * own last lines, and who holds the socket that it wanted. It is a PassingFailure if another launch may succeed.
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
  const checked = configurationOrFailure(params, account, deadline);
  if (checked instanceof Failure) return checked;
  const lines = errorLines(launched?.errors ?? '', 'last');
  const { words, serves }: Repetition =
    lines.length > 0 ? { words: lines, serves: false } : await repeatInForeground(params, account, deadline);
  const holders = socketHolders(params, words, checked);
  const { made, missing } = mayLackDirectory(words)
    ? makeSocketDirectories(params, account, words, deadline)
    : { made: [], missing: [] };
  const seen = [
    `Kamailio ${describe(end)} instead of serving${serves ? ', but served when it was repeated in the foreground' : ''}`,
    // First, since the cluster keeps no more than 127 characters of a reason.
    ...(holders.length > 0 ? [`in use: ${holders.join(', ')}`] : []),
    ...(words.length > 0 ? [words.join(' | ')] : []),
  ];
  const failure = new Failure(
    {
      seen: seen.join(': '),
      remedy: [
        ...words.flatMap((line) => notHere(line, params) ?? []),
        ...(account && mustChange(account) && words.some(isPermission) ? [withoutRoot(account)] : []),
        'see its log',
        ...(holders.length > 0 ? ['end what holds the socket'] : []),
        ...(made.length + missing.length === 0 && words.some((line) => /\bbind: no such file/i.test(line))
          ? ['make the directory of the socket that kamailio.cfg names (binrpc, dgram_socket)']
          : []),
        ...missing.map((path) => `make the missing directory ${path}`),
        ...made.map((path) => `the missing directory ${path} has been made`),
      ].join(', and '),
    },
    OCF_ERR_GENERIC,
  );
  // Who held the socket is gone by now.
  const isFree = holders.length === 0 && words.some((line) => /address already in use/i.test(line));
  const hasPassed = serves || made.length > 0;
  return hasPassed || isFree || canPass(words) ? new PassingFailure(failure, hasPassed) : failure;
}

/** What Kamailio prints of an accepted configuration; empty if it could not be checked. */
function configurationOrFailure(
  params: Params,
  account: Account | undefined,
  deadline: Deadline,
): string | Failure {
  try {
    return checkConfiguration(params, account, deadline);
  } catch (error) {
    return error instanceof Failure ? error : '';
  }
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

/** The address has not come to this node yet, or never will: a hot standby. */
function notHere(line: string, { listen_address }: Params): string | undefined {
  if (!/cannot assign requested address/i.test(line)) return undefined;
  const address = / on (\[?[\da-f.:]+?\]?)(?::\d+)? ?: cannot assign/i.exec(line)?.[1] ?? listen_address;
  return `${address} is not on this node: order the address before Kamailio (a group), or set net.ipv4.ip_nonlocal_bind=1 for a hot standby`;
}
