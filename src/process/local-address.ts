import { networkInterfaces } from 'node:os';
import { isIPv6Literal, isLinkLocal, isSameAddress, isWildcard, zoneOf } from '../text/socket-address.ts';

/** Whether an address is one of this node's (this network namespace's); a wildcard is. */
export function isOnThisNode(address: string): boolean {
  if (isLoopback(address) || isWildcard(address)) return true;
  return interfaceWith(address) !== undefined;
}

/**
 * A link-local address without its zone, as listen lines and the kernel's tables have it, with the interface of this node
 * that has it: without one nobody can send to it. Any other address, and one that is not here, as it is.
 */
export function withZone(address: string): string {
  if (!isLinkLocal(address) || zoneOf(address) !== undefined) return address;
  const name = interfaceWith(address);
  return name === undefined ? address : `${address}%${name}`;
}

/** The first interface that has an address; one with a zone is on that interface alone. */
function interfaceWith(address: string): string | undefined {
  const zone = zoneOf(address);
  const found = Object.entries(networkInterfaces()).find(([name, addresses = []]) =>
    addresses.some(
      (one) =>
        isSameAddress(one.address, address) &&
        (zone === undefined || zone === name || (one.family === 'IPv6' && zone === String(one.scopeid))),
    ),
  );
  return found?.[0];
}

/** The loopback address of the same family. */
export function loopbackOf(address: string): string {
  return isIPv6Literal(address) ? '::1' : '127.0.0.1';
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || isSameAddress(address, '::1');
}
