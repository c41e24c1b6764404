/**
 * Whether a literal that was checked before (`values.address`, the kernel's own) is IPv6. The full check of
 * node:net costs 10 ms when it is first used, which a monitor does not have.
 */
export function isIPv6Literal(address: string): boolean {
  return address.includes(':');
}

/**
 * An address without its zone. Neither a SIP URI (RFC 3261 §25.1) nor Kamailio's -l takes one: Kamailio finds the
 * interface by itself (bind_ipv6_link_local). /proc/net shows none either.
 */
export function withoutZone(address: string): string {
  return address.split('%', 1)[0] ?? address;
}

/** The zone of an address: the interface that it is on (`eth0`), or its index (RFC 4007 §11); undefined if it has none. */
export function zoneOf(address: string): string | undefined {
  return address.split('%', 2)[1];
}

/** Whether an address is link-local, fe80::/10: every interface has such addresses, so that it needs a zone. */
export function isLinkLocal(address: string): boolean {
  return /^fe[89ab][0-9a-f]:/i.test(address);
}

/** ADDRESS:PORT, an IPv6 address in brackets (RFC 3261 §25.1, `hostport`; Kamailio's -l takes the same). */
export function hostPort(socket: { readonly address: string; readonly port: number }): string {
  return `${isIPv6Literal(socket.address) ? `[${socket.address}]` : socket.address}:${socket.port}`;
}

/** The same as it goes into a URI, without the zone of a link-local address. */
export function hostPortInUri({
  address,
  port,
}: {
  readonly address: string;
  readonly port: number;
}): string {
  return hostPort({ address: withoutZone(address), port });
}

/**
 * Whether two literals name one address: `::1` and `0:0:0:0:0:0:0:1`, or an IPv4 address and its mapped form
 * (RFC 4291 §2.5.5.2). A zone that only one of them has makes no difference: the kernel's tables show none.
 */
export function isSameAddress(one: string, other: string): boolean {
  if (one === other) return true;
  const zones = [zoneOf(one), zoneOf(other)];
  if (zones.every((zone) => zone !== undefined) && zones[0] !== zones[1]) return false;
  return canonical(withoutZone(one)) === canonical(withoutZone(other));
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

/** What is not an address stays as it is. */
function shortest(address: string): string {
  try {
    return new URL(`http://[${address}]/`).hostname.slice(1, -1);
  } catch {
    return address;
  }
}
