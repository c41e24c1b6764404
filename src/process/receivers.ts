import { isIPv6Literal, isSameAddress, isWildcard } from '../text/socket-address.ts';
import { socketDetails } from './socket-details.ts';
import { type ListeningSocket, listeningOn, type Whose } from './sockets.ts';

/**
 * The sockets of a network namespace that get what is sent to an address and port. As the kernel looks for them
 * (compute_score in net/ipv4/udp.c and inet_hashtables.c): those on the very address, else those on the wildcard of its
 * family, else, for IPv4, those on [::] that take IPv4 too (ipv6(7), IPV6_V6ONLY).
 */
export function receiversOf(
  transport: ListeningSocket['transport'],
  { address, port }: { readonly address: string; readonly port: number },
  whose: Whose = 'self',
): readonly ListeningSocket[] {
  const isIPv6 = isIPv6Literal(address);
  const listening = listeningOn(port, transport, isIPv6 ? '6' : '', whose);
  const exact = listening.filter((socket) => isSameAddress(socket.address, address));
  if (exact.length > 0) return exact;
  const wildcards = listening.filter((socket) => isWildcard(socket.address));
  if (wildcards.length > 0 || isIPv6) return wildcards;
  return listeningOn(port, transport, '6', whose).filter(
    (socket) => isWildcard(socket.address) && !/\bv6only:1\b/.test(socketDetails(socket)),
  );
}
