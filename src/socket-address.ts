/**
 * Whether a literal that was checked before (`values.address`, the kernel's own) is IPv6. The full check of
 * node:net costs 10 ms when it is first used, which a monitor does not have.
 */
export function isIPv6Literal(address: string): boolean {
  return address.includes(':');
}

/** ADDRESS:PORT, an IPv6 address in brackets (RFC 3261 §25.1, `hostport`; Kamailio's -l takes the same). */
export function hostPort(socket: { readonly address: string; readonly port: number }): string {
  return `${isIPv6Literal(socket.address) ? `[${socket.address}]` : socket.address}:${socket.port}`;
}
