import { connect, type Socket } from 'node:net';
import type { Deadline } from '../deadline.ts';
import { PollFailure } from './outcome.ts';
import { answers, cutMessage, parseReply, type Reply } from './reply.ts';
import { composeOptions } from './request.ts';
import type { Target } from './target.ts';

/** A reply that has not ended by then never will: bytes. */
const REPLY_LIMIT_BYTES = 65_536;

/**
 * Polls a target over TCP and returns the final reply; undefined when none comes by `deadline`.
 * Throws the socket's error (ECONNREFUSED: nobody listens), or PollFailure when the connection is closed
 * or flooded instead of answered.
 */
export function pollTcp(target: Target, user: string, deadline: Deadline): Promise<Reply | undefined> {
  const socket = connect({ host: target.address, port: target.port });
  return pollStream(socket, 'connect', target, user, deadline);
}

/**
 * Sends OPTIONS once the stream is open (`opened` is the event that says so) and reads on until the
 * answer. Nothing is sent twice: the transport is reliable (RFC 3261 §17.1.2.1).
 */
export function pollStream(
  socket: Socket,
  opened: 'connect' | 'secureConnect',
  target: Target,
  user: string,
  deadline: Deadline,
): Promise<Reply | undefined> {
  return new Promise((resolve, reject) => {
    const expiry = setTimeout(() => finish(() => resolve(undefined)), deadline.remaining);
    const finish = (settle: () => void) => {
      clearTimeout(expiry);
      socket.destroy();
      settle();
    };
    socket.on('error', (error) => finish(() => reject(error)));
    socket.on('end', () => {
      finish(() =>
        reject(new PollFailure('the connection was closed without an answer', "see Kamailio's log")),
      );
    });
    socket.on(opened, () => {
      const { localAddress: address = '', localPort: port = 0 } = socket;
      const request = composeOptions(target, user, { address, port });
      let received: Buffer = Buffer.alloc(0);
      socket.on('data', (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        for (let cut = cutMessage(received); cut; cut = cutMessage(received)) {
          received = cut.rest;
          const reply = parseReply(cut.head);
          if (reply && answers(reply, request) && reply.status >= 200) return finish(() => resolve(reply));
        }
        if (received.length > REPLY_LIMIT_BYTES) {
          finish(() =>
            reject(
              new PollFailure(
                `a reply did not end within ${REPLY_LIMIT_BYTES} bytes`,
                'find out what listens there',
              ),
            ),
          );
        }
      });
      socket.write(request.bytes);
    });
  });
}
