import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { isExhaustion } from '../failure/system-error.ts';
import { now } from '../lifetime/clock.ts';
import { type ClientCertificate, contextFor } from '../sip-probe/client-certificate.ts';
import { answers, cutMessage, headOf, parseReply } from '../sip-probe/reply.ts';
import { composeOptions, type OptionsRequest } from '../sip-probe/request.ts';
import type { Target } from '../sip-probe/target.ts';
import { isIPv6Literal } from '../text/socket-address.ts';

/** What comes of the polls on a line. */
export interface Listener {
  polled(): void;
  /** Any reply counts, whatever its status, and however late: the cluster's monitor judges what it says. */
  answered(roundTripMs: number): void;
  /** Kamailio has closed the connection: something of it is at work. */
  alive(): void;
}

/** A socket to one target that is kept for many polls. */
export interface Line {
  /** Sends OPTIONS; opens the socket before, if there is none. Own trouble (no descriptors) is no poll. */
  poll(): void;
  close(): void;
}

/** A poll that was answered by none of so many after it is forgotten: its answer would be an hour late. */
const REMEMBERED_POLLS = 60;
/** After so many unanswered polls a new connection is tried: this one may be with the one worker that hangs. */
const POLLS_BEFORE_RECONNECT = 2;
/** More than any reply to OPTIONS takes, bytes. */
const REPLY_LIMIT_BYTES = 65_536;

/** Opens a line to a target. `user` is the user part of the polled URI, empty for none; `certificate` is for tls. */
export function openLine(
  target: Target,
  user: string,
  listener: Listener,
  certificate?: ClientCertificate,
): Line {
  return target.transport === 'udp'
    ? openUdp(target, user, listener)
    : openStream(target, user, listener, certificate);
}

function openUdp(target: Target, user: string, listener: Listener): Line {
  let socket: UdpSocket | undefined;
  let isConnected = false;
  const sent = new SentPolls(listener);
  const drop = () => {
    socket?.close();
    socket = undefined;
    isConnected = false;
  };
  const send = (open: UdpSocket) => {
    const { bytes } = sent.add(composeOptions(target, user, open.address()));
    open.send(bytes);
  };
  const open = () => {
    const family = isIPv6Literal(target.address) ? 6 : 4;
    const fresh = createSocket({
      type: `udp${family}`,
      lookup: (address, _options, found) => found(null, address, family),
    });
    socket = fresh;
    // Refused (ICMP), or no way there: the next poll tries with a new socket.
    fresh.on('error', () => socket === fresh && drop());
    fresh.on('message', (datagram) => sent.take(headOf(datagram)));
    fresh.on('connect', () => {
      isConnected = true;
      send(fresh);
    });
    fresh.connect(target.port, target.address);
  };
  return {
    poll: () => (socket === undefined ? open() : isConnected && send(socket)),
    close: drop,
  };
}

function openStream(
  target: Target,
  user: string,
  listener: Listener,
  certificate: ClientCertificate | undefined,
): Line {
  let socket: Socket | undefined;
  let isOpen = false;
  let received: Buffer = Buffer.alloc(0);
  const sent = new SentPolls(listener);
  const drop = () => {
    socket?.destroy();
    socket = undefined;
    isOpen = false;
    received = Buffer.alloc(0);
  };
  const send = (open: Socket) => {
    const { localAddress: address = '', localPort: port = 0 } = open;
    open.write(sent.add(composeOptions(target, user, { address, port })).bytes);
  };
  const take = (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
    for (let cut = cutMessage(received); cut; cut = cutMessage(received)) {
      received = cut.rest;
      sent.take(cut.head);
    }
    if (received.length > REPLY_LIMIT_BYTES) drop();
  };
  const open = () => {
    const { address: host, port } = target;
    const isTls = target.transport === 'tls';
    const fresh = isTls
      ? connectTls({ host, port, rejectUnauthorized: false, secureContext: contextFor(certificate) })
      : connect({ host, port });
    socket = fresh;
    let isAccepted = false;
    fresh.on('connect', () => {
      isAccepted = true;
    });
    fresh.on('data', take);
    // The kernel accepts connections for a Kamailio that hangs, but only a Kamailio at work closes them: at its limit of
    // connections, or after its idle time.
    const gone = (error?: Error) => {
      if (socket !== fresh) return;
      // A node without descriptors to spare says nothing about Kamailio either.
      if (isAccepted || isExhaustion(error)) listener.alive();
      drop();
    };
    fresh.on('end', () => gone()).on('error', gone);
    fresh.on(isTls ? 'secureConnect' : 'connect', () => {
      isOpen = true;
      send(fresh);
    });
    // A handshake that nobody answers is an unanswered poll.
    listener.polled();
    sent.isCounted = true;
  };
  return {
    poll: () => {
      if (socket !== undefined && sent.unanswered >= POLLS_BEFORE_RECONNECT) drop();
      if (socket === undefined) open();
      else if (isOpen) send(socket);
      else {
        listener.polled();
        sent.unanswered += 1;
      }
    },
    close: drop,
  };
}

/** The polls that were sent on a line and wait for their answers. */
class SentPolls {
  /** Since the last answer. */
  unanswered = 0;
  /** The poll that is sent next has been counted already. */
  isCounted = false;
  private readonly waiting = new Map<string, { readonly request: OptionsRequest; readonly at: number }>();
  private readonly listener: Listener;

  constructor(listener: Listener) {
    this.listener = listener;
  }

  add(request: OptionsRequest): OptionsRequest {
    this.waiting.set(request.branch, { request, at: now() });
    for (const branch of this.waiting.keys()) {
      if (this.waiting.size <= REMEMBERED_POLLS) break;
      this.waiting.delete(branch);
    }
    this.unanswered += 1;
    if (!this.isCounted) this.listener.polled();
    this.isCounted = false;
    return request;
  }

  take(head: string): void {
    const reply = parseReply(head);
    const poll = reply && this.waiting.get(reply.branch);
    if (!poll || !answers(reply, poll.request)) return;
    this.waiting.delete(reply.branch);
    this.unanswered = 0;
    this.listener.answered(now() - poll.at);
  }
}
