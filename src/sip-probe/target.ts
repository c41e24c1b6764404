import { hostPort } from '../socket-address.ts';

export type Transport = 'udp' | 'tcp';

/** A socket that is polled. */
export interface Target {
  readonly transport: Transport;
  /** IPv4 or IPv6 literal, without brackets. */
  readonly address: string;
  readonly port: number;
}

/** `udp:10.0.0.1:5060`, `tcp:[2001:db8::1]:5060`: as Kamailio's listen lines have it. */
export function describeTarget(target: Target): string {
  return `${target.transport}:${hostPort(target)}`;
}
