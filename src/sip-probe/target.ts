import { hostPort, hostPortInUri } from '../text/socket-address.ts';

/** What a target is polled over, and the port that stands for it (RFC 3261 §19.1.2; RFC 6455 §3 for ws and wss). */
export const DEFAULT_PORTS = { udp: 5060, tcp: 5060, tls: 5061, ws: 80, wss: 443 } as const;
export type Transport = keyof typeof DEFAULT_PORTS;

/** A socket that is polled. */
export interface Target {
  readonly transport: Transport;
  /** IPv4 or IPv6 literal, without brackets, a link-local one with its zone. */
  readonly address: string;
  readonly port: number;
  /** The Request-URI, if it is another than user, address and port make. */
  readonly uri?: string;
  /** What ws and wss ask for in their handshake, with a leading slash; `/` if it is not given. */
  readonly path?: string;
  /**
   * The address that a poll is sent from; absent for the one that the kernel chooses. It is set where `address` is one of
   * this node's. Where that is a secondary address, the kernel would send from the interface's first one, which
   * kamailio.cfg may not know: its exemptions (`src_ip!=myself` before pike, lists of addresses) are for Kamailio itself.
   */
  readonly source?: string;
}

/** What node:net and node:tls connect to a target with. */
export function endpointOf({ address, port, source }: Target): {
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
} {
  return { host: address, port, ...(source !== undefined && { localAddress: source }) };
}

/** What a target is asked for: its own URI, else `sip:USER@ADDRESS:PORT`. `user` is empty for none. */
export function requestUri(target: Target, user: string): string {
  return target.uri ?? `sip:${user ? `${user}@` : ''}${hostPortInUri(target)}`;
}

/** `udp:10.0.0.1:5060`, `tcp:[2001:db8::1]:5060`: as Kamailio's listen lines have it. `wss:10.0.0.1:443/sip` */
export function describeTarget(target: Target): string {
  return `${target.transport}:${hostPort(target)}${target.path ?? ''}`;
}

/** Whether the transport is TLS below all else: it has certificates on both sides. */
export function isSecure({ transport }: Target): boolean {
  return transport === 'tls' || transport === 'wss';
}
