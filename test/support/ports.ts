import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { LANES } from '../lanes.ts';

/** Below it are the ports of well-known services, Kamailio's own 5060 among them. */
const LOWEST = 10_000;
/** An instance takes its port and, for TLS, the one above. */
const PORTS_OF_AN_INSTANCE = 2;

/** Suites that run at the same time do not choose from the same ports: between choice and use others would find it free. */
const LANE = Number(process.env.TEST_LANE ?? 0);

const given = new Set<number>();

/**
 * A port that, with the one above it, is free for UDP and TCP on all addresses right now; no two calls of one
 * process give the same, nor do two suites of one run at a time. It lies below the ports that the kernel hands out by itself (ip(7),
 * ip_local_port_range): of those, any outgoing connection on the machine may take one before the server is up.
 */
export async function freePort(): Promise<number> {
  const choices = Math.floor((lowestEphemeralPort() - LOWEST) / PORTS_OF_AN_INSTANCE / LANES);
  for (;;) {
    const port = LOWEST + PORTS_OF_AN_INSTANCE * (LANES * Math.floor(Math.random() * choices) + LANE);
    if (given.has(port)) continue;
    given.add(port);
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
    if (given.size === choices)
      throw new Error(`no free port between ${LOWEST} and ${lowestEphemeralPort()}`);
  }
}

function lowestEphemeralPort(): number {
  return Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/)[0]);
}

async function isFree(port: number): Promise<boolean> {
  return (await canBindUdp(port)) && (await canListenTcp(port));
}

function canBindUdp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: 'udp6' });
    // Not the trouble of a machine without IPv6: there, TCP falls back to IPv4 and decides alone.
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'EADDRINUSE'));
    socket.bind(port, () => socket.close(() => resolve(true)));
  });
}

function canListenTcp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}
