import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { connect } from 'node:net';
import { Failure } from '../failure/failure.ts';
import { errorCode, isExhaustion } from '../failure/system-error.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { randomDigits } from '../system/random.ts';
import { oneLine } from '../text/one-line.ts';
import { decodePacket, encodeRequest, type Packet, type Value } from './binrpc.ts';
import type { RpcArgument } from './rpc.ts';

/** open(2): the file itself, neither for reading nor for writing. Node.js has no name for the flag. */
const O_PATH = 0o10_000_000;
/** No reply that the agent asks for is larger: bytes. */
const REPLY_LIMIT_BYTES = 262_144;

/**
 * Sends one request to Kamailio's module ctl over its stream socket at `path`, and returns the records of the reply.
 * Throws Failure for everything else, at `deadline` the latest.
 */
export async function callCtl(
  path: string,
  method: string,
  params: readonly RpcArgument[],
  deadline: Deadline,
): Promise<readonly Value[]> {
  const held = holdSocket(path);
  try {
    const cookie = Number.parseInt(randomDigits().slice(-8), 16);
    const request = encodeRequest(method, params, cookie);
    // By its descriptor: whoever exchanges the name meanwhile leads nobody astray.
    const reply = await exchange(`/proc/self/fd/${held}`, path, request, method, deadline);
    return valuesOf(reply, cookie, method, path);
  } finally {
    closeSync(held);
  }
}

/**
 * The socket itself, not what its name leads to when it is connected: its directory is kamuser's, who may put anything
 * there. Throws Failure.
 */
function holdSocket(path: string): number {
  let held: number;
  try {
    held = openSync(path, O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    if (isExhaustion(error)) throw error;
    throw unusable(
      path,
      errorCode(error) === 'ENOENT' ? 'does not exist' : `cannot be used (${errorCode(error)})`,
    );
  }
  if (fstatSync(held).isSocket()) return held;
  closeSync(held);
  throw unusable(path, 'is not a socket');
}

function exchange(
  through: string,
  path: string,
  request: Buffer,
  method: string,
  deadline: Deadline,
): Promise<Packet> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0);
    const socket = connect({ path: through });
    const expiry = setTimeout(() => finish(() => reject(noReply(path, method))), deadline.remaining);
    const finish = (settle: () => void) => {
      clearTimeout(expiry);
      socket.destroy();
      settle();
    };
    socket.on('connect', () => socket.write(request));
    socket.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      try {
        const packet = decodePacket(received);
        if (packet) finish(() => resolve(packet));
        else if (received.length > REPLY_LIMIT_BYTES) finish(() => reject(noReply(path, method)));
      } catch (error) {
        finish(() => reject(error));
      }
    });
    socket.on('end', () => finish(() => reject(noReply(path, method))));
    socket.on('error', (error) => finish(() => reject(isExhaustion(error) ? error : refused(path, error))));
  });
}

function valuesOf(packet: Packet, cookie: number, method: string, path: string): readonly Value[] {
  if (packet.cookie !== cookie) {
    throw new Failure({
      seen: `the reply over ${path} answers another request`,
      remedy: 'find out what listens on that socket',
    });
  }
  if (packet.kind === 'reply') return packet.values;
  throw new Failure({
    seen: `${method} over ${path} was answered with an error: ${oneLine(packet.values.join(' '), 200)}`,
    remedy: "see Kamailio's log",
  });
}

function refused(path: string, error: Error): Failure {
  switch (errorCode(error)) {
    case 'ECONNREFUSED':
      return unusable(path, 'has nobody who listens on it');
    case 'EPROTOTYPE':
      return unusable(path, 'is a datagram socket');
    case 'EACCES':
    case 'EPERM':
      return new Failure({
        seen: `no permission to use the socket ${path}`,
        remedy: "call the agent as root or as Kamailio's account",
      });
    default:
      return unusable(path, `cannot be used (${errorCode(error)})`);
  }
}

function unusable(path: string, why: string): Failure {
  return new Failure({
    seen: `the socket ${path} ${why}`,
    remedy: `load ctl.so in kamailio.cfg and set modparam("ctl", "binrpc", "unix:${path}"), or name the right socket as RPCCTLSOCKET in kamctlrc`,
  });
}

function noReply(path: string, method: string): Failure {
  return new Failure({
    seen: `no reply to ${method} over ${path}`,
    remedy:
      "Kamailio's ctl process is hung (see its log, restart the resource), or another program listens there",
  });
}
