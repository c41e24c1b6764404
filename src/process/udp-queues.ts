import { hostPort } from '../text/socket-address.ts';
import { tablesOf } from './network-namespace.ts';
import { socketDetails } from './socket-details.ts';
import { type ListeningSocket, listeningSockets, socketInodes } from './sockets.ts';

/** A UDP socket of Kamailio that loses datagrams, or is about to. */
export interface CongestedSocket {
  /** `udp:192.0.2.10:5060` */
  readonly name: string;
  readonly seen: string;
}

/** Below this many bytes a queue is not worth asking for its limit: the smallest buffer that Kamailio leaves is far larger. */
const NOTABLE_QUEUE_BYTES = 16_384;

/** The UDP sockets that a process listens on, with their queues as they are now. */
export function udpSockets(pid: number): ListeningSocket[] {
  const inodes = new Set(socketInodes(pid));
  return listeningSockets(['udp'], tablesOf(pid)).filter(({ inode }) => inodes.has(inode));
}

/** The sockets whose receive queue is more than half full, or which dropped datagrams between two looks. */
export function findCongested(
  before: readonly ListeningSocket[],
  after: readonly ListeningSocket[],
): CongestedSocket[] {
  const drops = new Map(before.map((socket) => [socket.inode, socket.drops]));
  return after.flatMap((socket) => {
    const name = `udp:${hostPort(socket)}`;
    const lost = socket.drops - (drops.get(socket.inode) ?? socket.drops);
    if (lost > 0) return [{ name, seen: `dropped ${lost} datagrams while it was looked at` }];
    const share = queueShare(socket);
    return share > 0.5 ? [{ name, seen: `its receive queue is ${Math.round(share * 100)} % full` }] : [];
  });
}

/** How full a receive queue is, 0 to 1. */
function queueShare(socket: ListeningSocket): number {
  return socket.receiveQueue < NOTABLE_QUEUE_BYTES ? 0 : socket.receiveQueue / receiveBuffer(socket);
}

/**
 * The size of a socket's receive buffer. /proc does not tell it, the kernel tells ss(8); without that
 * program it is taken for twice what Kamailio asks for at most, as the kernel doubles it (socket(7)).
 */
function receiveBuffer(socket: ListeningSocket): number {
  return Number(/\brb(\d+)/.exec(socketDetails(socket))?.[1] ?? KAMAILIO_BUFFER_BYTES);
}

/** Kamailio's MAX_RECV_BUFFER_SIZE, doubled. */
const KAMAILIO_BUFFER_BYTES = 2 * 262_144;
