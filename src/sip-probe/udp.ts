import { createSocket, type Socket } from 'node:dgram';
import type { Deadline } from '../lifetime/deadline.ts';
import { isIPv6Literal, isSameAddress } from '../text/socket-address.ts';
import type { Polled } from './outcome.ts';
import { answers, headOf, parseReply, type Reply } from './reply.ts';
import { composeOptions, type OptionsRequest } from './request.ts';
import type { Target } from './target.ts';

/** RFC 3261 §17.1.2.2: a request over UDP is sent again after T1, then at double the interval up to T2. ms */
const T1_MS = 500;
const T2_MS = 4000;

/**
 * Polls a target over UDP and returns the final reply; none when none comes by `deadline`.
 * Provisional replies and datagrams that answer something else are waited out. Throws the socket's error;
 * ECONNREFUSED is the ICMP message that nobody listens there.
 *
 * Without an answer within T1, an address of this node is also asked by a socket that takes answers from any address: a
 * Kamailio on 0.0.0.0 answers from the interface's first address, whatever address it was asked on.
 */
export function pollUdp(target: Target, user: string, deadline: Deadline): Promise<Polled> {
  return new Promise((resolve, reject) => {
    const socket = openSocket(target);
    let fromAnywhere: Asking | undefined;
    let proceeding = false;
    let resend: NodeJS.Timeout | undefined;
    // An answer that came while the agent was busy with something else is read before silence is called.
    let silence: NodeJS.Immediate | undefined;
    const expiry = setTimeout(() => {
      silence = setImmediate(() => finish(() => resolve({ reply: undefined })));
    }, deadline.remaining);
    const finish = (settle: () => void) => {
      clearTimeout(expiry);
      clearImmediate(silence);
      clearTimeout(resend);
      socket.close();
      fromAnywhere?.close();
      settle();
    };
    const again = (interval: number, bytes: Buffer) => {
      socket.send(bytes);
      fromAnywhere ??= askFromAnywhere(target, user, (polled) => finish(() => resolve(polled)));
      fromAnywhere?.send();
      // Once the server has said that it works on it, T2 is soon enough (timer E in "Proceeding").
      const next = proceeding ? T2_MS : Math.min(interval * 2, T2_MS);
      resend = setTimeout(again, interval, next, bytes);
    };
    socket.on('error', (error) => finish(() => reject(error)));
    socket.on('connect', () => {
      const request = composeOptions(target, user, socket.address());
      socket.on('message', (datagram) => {
        const reply = replyIn(datagram, request);
        if (reply && reply.status >= 200) finish(() => resolve({ reply }));
        else if (reply) proceeding = true;
      });
      socket.send(request.bytes);
      resend = setTimeout(again, T1_MS, 2 * T1_MS, request.bytes);
    });
    // A connected socket takes datagrams from the target alone, and hears of its ICMP errors.
    bindThen(socket, target, () => socket.connect(target.port, target.address));
  });
}

/** A second way of asking, beside the first. */
interface Asking {
  send(): void;
  close(): void;
}

/**
 * Asks with a request of its own, from a socket that is not connected. Undefined for an address of another node. Whoever
 * answers has seen the request, which does not leave this node. Own trouble is none of the poll's.
 */
function askFromAnywhere(
  target: Target,
  user: string,
  answered: (polled: Polled) => void,
): Asking | undefined {
  if (target.source === undefined) return undefined;
  const socket = openSocket(target);
  let request: OptionsRequest | undefined;
  const send = () => request && socket.send(request.bytes, target.port, target.address);
  socket.on('error', () => {});
  socket.on('message', (datagram, { address, port }) => {
    const reply = request && port === target.port ? replyIn(datagram, request) : undefined;
    // One from the polled address comes to the first socket, too, if it comes at all.
    if (!reply || reply.status < 200 || isSameAddress(address, target.address)) return;
    answered({ reply, answeredFrom: address });
  });
  bindThen(socket, target, () => {
    request = composeOptions(target, user, socket.address());
    send();
  });
  return { send, close: () => socket.close() };
}

function openSocket({ address }: Target): Socket {
  const family = isIPv6Literal(address) ? 6 : 4;
  return createSocket({
    type: `udp${family}`,
    // Addresses are literals: the DNS, and the module for it, stay out of a monitor.
    lookup: (literal, _options, found) => found(null, literal, family),
  });
}

function bindThen(socket: Socket, { source }: Target, bound: () => void): void {
  if (source === undefined) bound();
  else socket.bind({ address: source, port: 0, exclusive: true }, bound);
}

/** The reply that a datagram holds, if it answers the request. */
function replyIn(datagram: Buffer, request: OptionsRequest): Reply | undefined {
  const reply = parseReply(headOf(datagram));
  return reply && answers(reply, request) ? reply : undefined;
}
