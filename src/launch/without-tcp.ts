import { Failure, type Problem } from '../failure/failure.ts';
import type { Params } from '../interface/parameters.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import type { Account } from '../process/account.ts';
import { hostPort } from '../text/socket-address.ts';
import { configuredArguments } from './command-line.ts';
import { checkConfiguration } from './configuration.ts';
import { printedSockets } from './printed-sockets.ts';

/**
 * What proto=udp takes from a kamailio.cfg that listens on tcp or tls as well: it starts Kamailio with -T, as the shell
 * agent does, and -T switches these lines off without a word. Kamailio itself lists its sockets without -T, so that
 * included files and #!ifdef count. Undefined if there is no such line, or Kamailio does not say.
 */
export function switchedOffByUdp(
  params: Params,
  account: Account | undefined,
  deadline: Deadline,
): Problem | undefined {
  if (params.proto !== 'udp') return undefined;
  const options = configuredArguments(params).filter((word) => word !== '-T');
  const lost = printedSockets(printedWith(options, params, account, deadline)).filter(
    ({ protocol }) => protocol !== 'udp',
  );
  if (lost.length === 0) return undefined;
  const names = lost.map((socket) => `${socket.protocol}:${hostPort(socket)}`);
  return {
    where: params.conffile,
    seen: `proto=udp starts Kamailio with -T, which switches its sockets ${names.join(', ')} off without a word`,
    remedy: 'set proto=conf_udp and write all listen lines into the file, or remove those of tcp and tls',
  };
}

function printedWith(
  options: readonly string[],
  params: Params,
  account: Account | undefined,
  deadline: Deadline,
): string {
  try {
    return checkConfiguration(params, account, deadline, options);
  } catch (error) {
    // It was accepted with -T: without it something is missing that a Kamailio of proto=udp does not need.
    if (error instanceof Failure) return '';
    throw error;
  }
}
