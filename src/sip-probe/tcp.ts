import { connect, type Socket } from 'node:net';
import { Failure } from '../failure/failure.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { answers, cutMessage, parseReply, type Reply } from './reply.ts';
import { composeOptions, type OptionsRequest } from './request.ts';
import { endpointOf, type Target } from './target.ts';

/** A reply that has not ended by then never will: bytes. */
export const REPLY_LIMIT_BYTES = 65_536;
const READ_BYTES = 16_384;
/** A monitor has its verdict, and exits, before it would have to do the work of closing. */
export const CLOSE_AFTER_MS = 50;

/**
 * Polls a target over TCP and returns the final reply; undefined when none comes by `deadline`.
 * Throws the socket's error (ECONNREFUSED: nobody listens), or Failure when the connection is closed
 * or flooded instead of answered.
 */
export function pollTcp(target: Target, user: string, deadline: Deadline): Promise<Reply | undefined> {
  const open = (take: (bytes: Uint8Array) => void) =>
    connect({
      ...endpointOf(target),
      // Costs a monitor less than the events of a stream.
      onread: {
        buffer: Buffer.alloc(READ_BYTES),
        callback: (length, buffer) => {
          take(buffer.subarray(0, length));
          return true;
        },
      },
    });
  return pollStream(open, 'connect', target, user, deadline);
}

/** The other side has closed the connection instead of an answer. */
export class ClosedUnanswered extends Failure {
  constructor(seen = 'the connection was closed without an answer', remedy = "see Kamailio's log") {
    super({ seen, remedy });
  }
}

/**
 * Sends OPTIONS once the stream is open (`opened` is the event that says so) and reads on until the
 * answer. Nothing is sent twice: the transport is reliable (RFC 3261 §17.1.2.1). `open` connects, and
 * hands over what comes in.
 */
export function pollStream(
  open: (take: (bytes: Uint8Array) => void) => Socket,
  opened: 'connect' | 'secureConnect',
  target: Target,
  user: string,
  deadline: Deadline,
): Promise<Reply | undefined> {
  return new Promise((resolve, reject) => {
    let request: OptionsRequest | undefined;
    let answered = false;
    let received: Buffer = Buffer.alloc(0);
    const take = (bytes: Uint8Array) => {
      if (answered) return;
      received = Buffer.concat([received, bytes]);
      for (let cut = cutMessage(received); cut; cut = cutMessage(received)) {
        received = cut.rest;
        const reply = parseReply(cut.head);
        if (!reply || !request || !answers(reply, request) || reply.status < 200) continue;
        answered = true;
        clearTimeout(expiry);
        resolve(reply);
        setTimeout(() => socket.destroy(), CLOSE_AFTER_MS).unref();
        return;
      }
      if (received.length > REPLY_LIMIT_BYTES) {
        const seen = `a reply did not end within ${REPLY_LIMIT_BYTES} bytes`;
        finish(() => reject(new Failure({ seen: seen, remedy: 'find out what listens there' })));
      }
    };
    const socket = open(take);
    // An answer that came while the agent was busy with something else is read before silence is called.
    let silence: NodeJS.Immediate | undefined;
    const expiry = setTimeout(() => {
      silence = setImmediate(() => finish(() => resolve(undefined)));
    }, deadline.remaining);
    const finish = (settle: () => void) => {
      clearTimeout(expiry);
      clearImmediate(silence);
      socket.destroy();
      settle();
    };
    socket.on('error', (error) => finish(() => reject(error)));
    socket.on('end', () => finish(() => reject(new ClosedUnanswered())));
    socket.on(opened, () => {
      const { localAddress: address = '', localPort: port = 0 } = socket;
      request = composeOptions(target, user, { address, port });
      socket.write(request.bytes);
    });
  });
}
