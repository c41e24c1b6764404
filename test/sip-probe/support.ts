import { createSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import type { Outcome } from '../../src/sip-probe/outcome.ts';
import { pollTarget } from '../../src/sip-probe/poll.ts';
import type { Target } from '../../src/sip-probe/target.ts';
import { within } from '../support/deadline.ts';

/** A socket that stands in for Kamailio and answers what a test wants. */
export interface StandIn {
  readonly target: Target;
  /** The requests as they came, one a datagram or a chunk. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

/** Generous: for polls that are expected to be answered. */
export const SOON_MS = 15_000;

/** Listens for datagrams; `onRequest` gets the request, its number from 1 on, and a way to answer. */
export async function udpStandIn(
  onRequest: (request: string, count: number, answer: (reply: string | Buffer) => void) => void,
  address = '127.0.0.1',
): Promise<StandIn> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const requests: string[] = [];
  socket.on('message', (datagram, from) => {
    const request = datagram.toString('latin1');
    requests.push(request);
    onRequest(request, requests.length, (reply) =>
      socket.send(typeof reply === 'string' ? Buffer.from(reply, 'latin1') : reply, from.port, from.address),
    );
  });
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.bind(0, address, resolve);
  });
  return {
    target: { transport: 'udp', address, port: socket.address().port },
    requests,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

/** Listens for connections; `onRequest` gets what came first and the connection. */
export async function tcpStandIn(
  onRequest: (request: string, connection: Socket) => void,
  address = '127.0.0.1',
): Promise<StandIn> {
  const requests: string[] = [];
  const open = new Set<Socket>();
  const server: Server = createServer((connection) => {
    open.add(connection);
    connection.setNoDelay(true);
    connection.on('error', () => {});
    connection.on('close', () => open.delete(connection));
    connection.once('data', (data) => {
      const request = data.toString('latin1');
      requests.push(request);
      onRequest(request, connection);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(0, address, resolve);
  });
  const bound = server.address();
  return {
    target: { transport: 'tcp', address, port: typeof bound === 'object' && bound ? bound.port : 0 },
    requests,
    close: async () => {
      for (const connection of open) connection.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Polls a stand-in that treats its one connection so; within `ms`, at `address`. */
export async function pollStandIn(
  onRequest: (request: string, connection: Socket) => void,
  { ms = SOON_MS, address = '127.0.0.1', transport = 'tcp' as 'tcp' | 'tls' } = {},
): Promise<{ outcome: Outcome; requests: readonly string[] }> {
  const server = await tcpStandIn(onRequest, address);
  try {
    const outcome = await pollTarget({ ...server.target, transport }, 'monitor', within(ms));
    return { outcome, requests: server.requests };
  } finally {
    await server.close();
  }
}

/** The value of a header of a request that the agent composed. */
export function headerOf(request: string, name: string): string {
  return new RegExp(`^${name}: (.*)\r$`, 'm').exec(request)?.[1] ?? '';
}

/** A reply to a request as RFC 3261 §8.2.6 has it; headers given replace those of the same name. */
export function replyTo(
  request: string,
  start = 'SIP/2.0 200 OK',
  headers: Readonly<Record<string, string>> = {},
): string {
  const lines: Record<string, string> = {};
  for (const name of ['Via', 'From', 'To', 'Call-ID', 'CSeq']) lines[name] = headerOf(request, name);
  lines.To += ';tag=stand-in';
  const all = { ...lines, 'Content-Length': '0', ...headers };
  return `${start}\r\n${Object.entries(all)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`;
}

/** What an unhealthy outcome says, as one line; throws when it is healthy. */
export function complaint(outcome: Outcome): string {
  if (outcome.healthy) throw new Error(`healthy: ${outcome.reply.status}`);
  return `${outcome.seen}; ${outcome.remedy}`;
}
