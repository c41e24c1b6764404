import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';
import { isExhaustion } from '../failure/system-error.ts';
import { describeProcess } from './describe.ts';
import { descriptorTargets } from './descriptors.ts';
import { listPids } from './procfs.ts';

/** A socket that somebody listens on. */
export interface ListeningSocket {
  readonly transport: 'udp' | 'tcp';
  /** IPv4 dotted, IPv6 as eight groups without leading zeros. */
  readonly address: string;
  readonly port: number;
  readonly inode: string;
  /** The account that made it. */
  readonly uid: number;
  /** Bytes of memory that received and unread data take. */
  readonly receiveQueue: number;
  /** Datagrams lost since the socket was opened, mostly because its queue was full; 0 for TCP. */
  readonly drops: number;
}

/** /proc/net/tcp, column `st`: TCP_LISTEN. A bound UDP socket shows as TCP_CLOSE there. */
const LISTENING = { tcp: '0A', udp: '07' } as const;

/** Whose network namespace: that of a process, or the agent's own. */
export type Whose = number | 'self';

/** The listening sockets of a network namespace (proc(5), /proc/PID/net). */
export function listeningSockets(
  transports: readonly ListeningSocket['transport'][] = ['udp', 'tcp'],
  whose: Whose = 'self',
): ListeningSocket[] {
  return transports.flatMap((transport) =>
    (['', '6'] as const).flatMap((family) =>
      readLines(transport, family, whose).flatMap((line) => parse(transport, line)),
    ),
  );
}

/**
 * Those of one table (`6` for IPv6) on one port: what a monitor looks at. A node with media relays has thousands of
 * sockets, so the other lines are passed over before they are taken apart.
 */
export function listeningOn(
  port: number,
  transport: ListeningSocket['transport'],
  family: '' | '6',
  whose: Whose = 'self',
): ListeningSocket[] {
  const mark = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  const lines = readLines(transport, family, whose).filter((line) => line.includes(mark));
  return lines.flatMap((line) => parse(transport, line)).filter((socket) => socket.port === port);
}

/** The inodes of the listening sockets on a port that root opened; none if the port is not known. */
export function rootSockets(port: number | undefined): ReadonlySet<string> {
  if (port === undefined) return new Set();
  const opened = listeningSockets().filter((socket) => socket.port === port && socket.uid === 0);
  return new Set(opened.map(({ inode }) => inode));
}

/** The inodes of the sockets that a process holds. */
export function socketInodes(pid: number): string[] {
  return descriptorTargets(pid).flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []);
}

/** The named files that a process holds open, FIFOs among them; sockets, pipes and devices are left out. */
export function openPaths(pid: number): string[] {
  const paths = descriptorTargets(pid).filter(
    (target) => target.startsWith('/') && !target.startsWith('/dev/'),
  );
  return [...new Set(paths)];
}

/** The pid of a process that holds a socket; undefined when it cannot be seen (not root). */
export function holderOf(inode: string): number | undefined {
  return listPids().find((pid) => descriptorTargets(pid).includes(`socket:[${inode}]`));
}

/** Who holds a socket, for a person. */
export function describeHolder(inode: string): string {
  const pid = holderOf(inode);
  return pid === undefined ? 'another process' : describeProcess(pid);
}

function parse(transport: ListeningSocket['transport'], line: string): ListeningSocket[] {
  const fields = line.trim().split(/\s+/);
  const [address, port] = (fields[1] ?? '').split(':');
  if (!address || !port || fields[3] !== LISTENING[transport]) return [];
  return [
    {
      transport,
      address: decodeAddress(address),
      port: Number.parseInt(port, 16),
      inode: fields[9] ?? '',
      uid: Number(fields[7]),
      receiveQueue: Number.parseInt(fields[4]?.split(':')[1] ?? '0', 16),
      drops: transport === 'udp' ? Number(fields[12] ?? 0) : 0,
    },
  ];
}

function readLines(transport: ListeningSocket['transport'], family: '' | '6', whose: Whose): string[] {
  try {
    return readFileSync(`/proc/${whose}/net/${transport}${family}`, 'utf8').split('\n').slice(1);
  } catch (error) {
    if (isExhaustion(error)) throw error;
    // A kernel without IPv6 has no such table, nor has a process that is gone.
    return [];
  }
}

/**
 * An address of /proc/net (proc(5)): the kernel prints each 32-bit word of it in the machine's byte order. `order` is
 * that of this node, which a test can choose.
 */
export function decodeAddress(hex: string, order: 'BE' | 'LE' = endianness()): string {
  const places = order === 'LE' ? [6, 4, 2, 0] : [0, 2, 4, 6];
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => places.map((at) => word.slice(at, at + 2)));
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join('.');
  const groups = bytes.flatMap((byte, index) => (index % 2 === 0 ? [`${byte}${bytes[index + 1]}`] : []));
  return groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':');
}
