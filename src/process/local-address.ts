import { networkInterfaces } from 'node:os';
import { isIPv6Literal, isSameAddress, isWildcard } from '../text/socket-address.ts';

/** Whether an address is one of this node's (this network namespace's); a wildcard is. */
export function isOnThisNode(address: string): boolean {
  if (isLoopback(address) || isWildcard(address)) return true;
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some((one) => isSameAddress(one.address, address)),
  );
}

/** The loopback address of the same family. */
export function loopbackOf(address: string): string {
  return isIPv6Literal(address) ? '::1' : '127.0.0.1';
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || isSameAddress(address, '::1');
}
