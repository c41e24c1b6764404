import type { Params } from '../interface/parameters.ts';
import { describeHolder, type ListeningSocket, listeningSockets } from '../process/sockets.ts';
import { hostPort, isIPv6Literal, isSameAddress, isWildcard } from '../text/socket-address.ts';

/** A socket that Kamailio wanted. */
interface Wanted {
  readonly transports: readonly string[];
  readonly address: string;
  readonly port: number;
}

/**
 * Who holds the sockets that a Kamailio wanted which could not be launched, each as `udp:192.0.2.10:5060 by pid 4711
 * (/usr/sbin/kamailio, pidfile ...)`. `words` are Kamailio's last error lines. Nobody is named unless they say that an address is
 * in use, or there are none: a program on the same port of another address is not the reason, and its name would
 * push the true one out of what the cluster shows.
 */
export function socketHolders(params: Params, words: readonly string[]): string[] {
  const inUse = words.filter((line) => /address already in use/i.test(line));
  if (words.length > 0 && inUse.length === 0) return [];
  const named = inUse.flatMap((line) => addressIn(line) ?? []);
  const listening = listeningSockets();
  const found = wantedSockets(params, named).flatMap((wanted) => inTheWay(wanted, listening));
  return [...new Set(found)].map(
    (socket) => `${socket.transport}:${hostPort(socket)} by ${describeHolder(socket.inode)}`,
  );
}

/** `... on 127.0.0.1: Address already in use`, `... on [::1]:5060 : Address already in use`: UDP leaves the port out. */
function addressIn(
  line: string,
): { readonly address: string; readonly port: number | undefined } | undefined {
  const [, text = ''] = / on (\S+?) ?: Address already in use/i.exec(line) ?? [];
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([\d.]+))(?::(\d+))?$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? (/^[\da-f:.]+$/i.test(text) ? text : undefined);
  return address === undefined ? undefined : { address, port: port ? Number(port) : undefined };
}

/** From the parameters; with conf_*, and where Kamailio names one of them, from its own words. */
function wantedSockets(
  { proto, port, listen_address }: Params,
  named: readonly { readonly address: string; readonly port: number | undefined }[],
): Wanted[] {
  const transports = ['udp', 'tcp'].filter((transport) => proto.includes(transport));
  if (named.length > 0)
    return named.map((one) => ({ transports, address: one.address, port: one.port ?? port }));
  if (proto.startsWith('conf_')) return [];
  const loopback = isIPv6Literal(listen_address) ? '::1' : '127.0.0.1';
  return [listen_address, loopback].map((address) => ({ transports, address, port }));
}

/**
 * The sockets that keep a wanted one from being bound: on its address, or on the wildcard of its family. [::] takes
 * IPv4 as well, unless it is IPV6_V6ONLY, which /proc does not show: it is suspected when nothing else is found.
 */
function inTheWay(
  { transports, address, port }: Wanted,
  listening: readonly ListeningSocket[],
): ListeningSocket[] {
  const candidates = listening.filter(
    (socket) => socket.port === port && transports.includes(socket.transport),
  );
  const isOwnFamily = (socket: ListeningSocket) =>
    isIPv6Literal(socket.address) === isIPv6Literal(address) || !isWildcard(socket.address);
  const exact = candidates.filter((socket) => isSameAddress(socket.address, address));
  const wildcards = candidates.filter((socket) => isWildcard(socket.address) || isWildcard(address));
  const sure = [...exact, ...wildcards.filter(isOwnFamily)];
  return sure.length > 0 ? sure : wildcards;
}
