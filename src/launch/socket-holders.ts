import type { Params } from '../interface/parameters.ts';
import { socketDetails } from '../process/socket-details.ts';
import { describeHolder, type ListeningSocket, listeningSockets } from '../process/sockets.ts';
import { hostPort, isIPv6Literal, isSameAddress, isWildcard } from '../text/socket-address.ts';
import { printedSockets } from './printed-sockets.ts';

/** A socket that Kamailio wanted. */
type Wanted = Pick<ListeningSocket, 'transport' | 'address' | 'port'>;

/** What an error line of Kamailio names. */
interface Named {
  readonly address: string;
  readonly port: number | undefined;
}

/**
 * Who holds the sockets that a Kamailio wanted which could not be launched, each as `udp:192.0.2.10:5060 by pid 4711
 * (/usr/sbin/kamailio, pidfile ...)`. `words` are Kamailio's last error lines, `printed` is what it prints when it
 * checks its configuration: all its sockets. Nobody is named unless the words say that an address is in use, or there are none:
 * a program on the same port of another address is not the reason, and its name would push the true one out of what
 * the cluster shows.
 */
export function socketHolders(params: Params, words: readonly string[], printed: string): string[] {
  const inUse = words.filter((line) => /address already in use/i.test(line));
  if (words.length > 0 && inUse.length === 0) return [];
  const wanted = wantedSockets(params, inUse.flatMap(addressIn), socketsIn(printed));
  const found = listeningSockets().filter((socket) => wanted.some((one) => isInTheWay(socket, one)));
  return found.map((socket) => `${socket.transport}:${hostPort(socket)} by ${describeHolder(socket.inode)}`);
}

/** UDP: `... on ::1: Address already in use`. TCP: `... on ::1:5060 : Address already in use`, without brackets. */
function addressIn(line: string): Named[] {
  const [, text, port] = / on (\S+?)(?::(\d+) )?: Address already in use/i.exec(line) ?? [];
  if (text === undefined) return [];
  return [{ address: text.replace(/^\[|\]$/g, ''), port: port === undefined ? undefined : Number(port) }];
}

function socketsIn(printed: string): Wanted[] {
  return printedSockets(printed).map(({ protocol, ...socket }) => ({
    ...socket,
    transport: protocol === 'udp' ? 'udp' : 'tcp',
  }));
}

/**
 * The one that Kamailio could not bind, or all that it wanted if it does not say which. With conf_*, and with -l in
 * extra_options, only Kamailio knows them.
 */
function wantedSockets(
  params: Params,
  named: readonly Named[],
  listed: readonly Wanted[],
): readonly Wanted[] {
  const all = listed.length > 0 ? listed : socketsOfParameters(params);
  if (named.length === 0) return all;
  const meant = all.filter((socket) =>
    named.some(
      ({ address, port }) =>
        isSameAddress(socket.address, address) &&
        (port === undefined ? socket.transport === 'udp' : socket.port === port),
    ),
  );
  if (meant.length > 0) return meant;
  return named.flatMap(({ address, port = params.port }) =>
    (['udp', 'tcp'] as const).map((transport) => ({ transport, address, port })),
  );
}

function socketsOfParameters({ proto, port, listen_address }: Params): Wanted[] {
  if (proto.startsWith('conf_')) return [];
  const loopback = isIPv6Literal(listen_address) ? '::1' : '127.0.0.1';
  return (['udp', 'tcp'] as const)
    .filter((transport) => proto.includes(transport))
    .flatMap((transport) => [listen_address, loopback].map((address) => ({ transport, address, port })));
}

/** Whether a socket keeps Kamailio from binding another: on the same address, or one of them on all addresses. */
function isInTheWay(socket: ListeningSocket, { transport, address, port }: Wanted): boolean {
  if (socket.transport !== transport || socket.port !== port) return false;
  if (isSameAddress(socket.address, address)) return true;
  if (isIPv6Literal(socket.address) === isIPv6Literal(address))
    return isWildcard(socket.address) || isWildcard(address);
  // [::] takes IPv4 as well. Kamailio's own does; that of others unless it is IPV6_V6ONLY (ipv6(7)).
  if (isIPv6Literal(address)) return isWildcard(address);
  return isWildcard(socket.address) && !/\bv6only:1\b/.test(socketDetails(socket));
}
