import { createSocket } from 'node:dgram';
import type { Deadline } from '../lifetime/deadline.ts';
import { hashOf } from '../text/hash.ts';
import { describeProcess } from './describe.ts';
import { holderOf, listeningSockets } from './sockets.ts';

/** A start or stop that holds an instance's lock, as a message names it: `pid 4711 (node)`. */
export type Holder = string;

/** A UDP port that only root may bind, and for which no program is left (RFC 1078, tcpmux). */
const PORT_OF_ROOT = 1;
/** The same for an agent without root; below the ports that the kernel hands out by itself. */
const PORT_OF_OTHERS = 1025;
/** Between two attempts, ms. */
const TRY_EVERY_MS = 10;
/** So many attempts in a row fail without anybody to be seen on the address before nobody can have the lock. */
const UNSEEN_ATTEMPTS = 3;

/**
 * Takes the instance's lock, so that one start or stop at a time works on it, and keeps it until this process ends,
 * however it ends: the kernel frees it. Returns undefined, or the holder that still has it at `deadline`.
 * `onWait` hears once for whom it waits.
 *
 * The lock is a UDP socket on an address of 127.0.0.0/8 that the pidfile's path decides. It needs no file, costs 1.5 ms,
 * and is the same lock in each version of Node.js. (An abstract unix socket is not: Node.js 18 binds one name for all,
 * Node.js 20 and 24 write the same name in two ways.) Nothing is ever sent to it.
 *
 * Where nobody can have the lock (no loopback network, another account on the address), it is passed over: another
 * account must not be able to keep an instance from being started.
 */
export async function takeLock(
  pidfile: string,
  deadline: Deadline,
  onWait: (holder: Holder) => void,
): Promise<Holder | undefined> {
  const overdue = waiting(deadline, onWait);
  for (let unseen = 0; unseen < UNSEEN_ATTEMPTS; await deadline.pause(TRY_EVERY_MS)) {
    if ((await bind(pidfile)) !== 'in use') return undefined;
    const inode = findHolder(pidfile);
    // It was freed between the two looks; or a program listens on this port of every address.
    if (inode === undefined) {
      unseen += 1;
      continue;
    }
    if (inode === 'a stranger') return undefined;
    unseen = 0;
    const holder = overdue(inode);
    if (holder !== undefined) return holder;
  }
  return undefined;
}

/**
 * Waits until nobody holds the lock, without taking it; at once, and without loading anything, if nobody does.
 * Returns as `takeLock` does.
 */
export async function awaitLock(
  pidfile: string,
  deadline: Deadline,
  onWait: (holder: Holder) => void,
): Promise<Holder | undefined> {
  const overdue = waiting(deadline, onWait);
  for (;;) {
    const inode = findHolder(pidfile);
    if (inode === undefined || inode === 'a stranger') return undefined;
    const holder = overdue(inode);
    if (holder !== undefined) return holder;
    await deadline.pause(TRY_EVERY_MS);
  }
}

/** Tells `onWait` of the first holder; what it makes returns the holder that still has the lock at `deadline`. */
function waiting(
  deadline: Deadline,
  onWait: (holder: Holder) => void,
): (inode: string) => Holder | undefined {
  let isTold = false;
  return (inode) => {
    if (!isTold) onWait(nameOf(inode));
    isTold = true;
    return deadline.passed ? nameOf(inode) : undefined;
  };
}

/** Takes the lock if it is free, for a stop, which goes on in any case: also on a node without descriptors to spare. */
export function tryLock(pidfile: string): void {
  bind(pidfile).catch(() => {});
}

/** The socket stays open until this process ends; Node.js closes it in the programs that it starts (close-on-exec). */
function bind(pidfile: string): Promise<'ours' | 'in use' | 'impossible'> {
  return new Promise((resolve) => {
    const { address, port } = lockAddress(pidfile);
    const socket = createSocket({
      type: 'udp4',
      lookup: (_name, _options, found) => found(null, address, 4),
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve(error.code === 'EADDRINUSE' ? 'in use' : 'impossible');
    });
    socket.unref();
    socket.bind({ address, port, exclusive: true }, () => resolve('ours'));
  });
}

/** The inode of the socket on the address, if root or the agent's own account made it (proc(5), /proc/net/udp). */
function findHolder(pidfile: string): string | 'a stranger' | undefined {
  const { address, port } = lockAddress(pidfile);
  const socket = listeningSockets(['udp']).find((one) => one.address === address && one.port === port);
  if (!socket) return undefined;
  return [0, process.geteuid?.()].includes(socket.uid) ? socket.inode : 'a stranger';
}

function nameOf(inode: string): Holder {
  const unknown = 'a process that cannot be seen from here';
  try {
    const pid = holderOf(inode);
    return pid === undefined ? unknown : describeProcess(pid);
  } catch {
    // No descriptors are left to look through the processes with; a stop must not fail for a name.
    return unknown;
  }
}

/**
 * An address for a path: 127.1.0.0 to 127.254.255.255, by its hash. If two instances of a node ever meet on
 * one, they start one after the other.
 */
export function lockAddress(pidfile: string): { readonly address: string; readonly port: number } {
  const hash = hashOf(pidfile);
  const bytes = [1 + ((hash >>> 16) % 254), (hash >>> 8) & 255, hash & 255];
  return {
    address: `127.${bytes.join('.')}`,
    port: process.geteuid?.() === 0 ? PORT_OF_ROOT : PORT_OF_OTHERS,
  };
}
