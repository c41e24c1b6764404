import type { Deadline } from '../lifetime/deadline.ts';
import { loopbackOf } from '../process/local-address.ts';
import { listeningSockets, socketInodes } from '../process/sockets.ts';
import { pollTarget } from '../sip-probe/poll.ts';
import { describeTarget, type Target } from '../sip-probe/target.ts';
import { isWildcard } from '../text/socket-address.ts';

/** A socket of the Kamailio that was found, and what it answers. */
export interface FoundSocket {
  /** Where it is polled: the loopback address for a wildcard. */
  readonly target: Target;
  /** The address that it is bound to. */
  readonly bound: string;
  /** Whether OPTIONS sip:monitor@ADDRESS, and OPTIONS sip:ADDRESS, are answered with 200. */
  readonly withUser: boolean;
  readonly withoutUser: boolean;
  /** It speaks SIP: some reply came. */
  readonly isSip: boolean;
}

/** The user that the agent polls unless told otherwise. */
const USER = 'monitor';
/** Enough for a Kamailio that is well: over UDP the request is sent twice by then, ms. */
const PATIENCE_MS = 1500;

/** Polls each socket that the processes hold, with a user and without, over tcp and then tls where it is a TCP socket. */
export async function pollSockets(pids: readonly number[], deadline: Deadline): Promise<FoundSocket[]> {
  const inodes = new Set(pids.flatMap(socketInodes));
  const sockets = listeningSockets().filter(({ inode }) => inodes.has(inode));
  const distinct = new Map(
    sockets.map(({ transport, address, port }) => {
      const target = { transport, address: isWildcard(address) ? loopbackOf(address) : address, port };
      return [`${describeTarget(target)} ${address}`, { target, bound: address }] as const;
    }),
  );
  return Promise.all([...distinct.values()].map(({ target, bound }) => pollOne(target, bound, deadline)));
}

async function pollOne(target: Target, bound: string, deadline: Deadline): Promise<FoundSocket> {
  const plain = await pollBoth(target, bound, deadline);
  if (plain.isSip || target.transport !== 'tcp') return plain;
  const secured = await pollBoth({ ...target, transport: 'tls' }, bound, deadline);
  return secured.isSip ? secured : plain;
}

async function pollBoth(target: Target, bound: string, deadline: Deadline): Promise<FoundSocket> {
  const until = deadline.sooner(PATIENCE_MS);
  const [withUser, withoutUser] = await Promise.all([
    pollTarget(target, USER, until),
    pollTarget(target, '', until),
  ]);
  const isSip = [withUser, withoutUser].some((outcome) => outcome.healthy || outcome.status !== undefined);
  return { target, bound, withUser: withUser.healthy, withoutUser: withoutUser.healthy, isSip };
}
