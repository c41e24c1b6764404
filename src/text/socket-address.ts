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

/**
 * Whether two literals name one address: `::1` and `0:0:0:0:0:0:0:1`, or an IPv4 address and its mapped form
 * (RFC 4291 §2.5.5.2).
 */
export function isSameAddress(one: string, other: string): boolean {
  return one === other || canonical(one) === canonical(other);
}

/** Whether an address stands for all addresses of a node, of its family at least. */
export function isWildcard(address: string): boolean {
  return /^[0.:]+$/.test(address) && !/[1-9]/.test(address);
}

function canonical(address: string): string {
  if (!isIPv6Literal(address)) return address;
  const short = shortest(address);
  const [, high = '', low = ''] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(short) ?? [];
  if (low === '') return short;
  const bits = Number.parseInt(high, 16) * 65_536 + Number.parseInt(low, 16);
  return [24, 16, 8, 0].map((shift) => Math.floor(bits / 2 ** shift) % 256).join('.');
}

/** An address with a zone (fe80::1%eth0), and what is not an address at all, stays as it is. */
function shortest(address: string): string {
  try {
    return new URL(`http://[${address}]/`).hostname.slice(1, -1);
  } catch {
    return address;
  }
}
