import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import type { ClientCertificate } from '../sip-probe/client-certificate.ts';
import { headOf } from '../sip-probe/reply.ts';
import { composeOptions } from '../sip-probe/request.ts';
import type { Target } from '../sip-probe/target.ts';
import { isIPv6Literal } from '../text/socket-address.ts';
import { openConnected } from './connected-line.ts';
import { SentPolls } from './sent-polls.ts';
import { openStream } from './stream.ts';
import { openWebSocketConnection } from './websocket.ts';

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

/** Opens a line to a target. `user` is the user part of the polled URI, empty for none; `certificate` is for tls and wss. */
export function openLine(
  target: Target,
  user: string,
  listener: Listener,
  certificate?: ClientCertificate,
): Line {
  switch (target.transport) {
    case 'udp':
      return openUdp(target, user, listener);
    case 'tcp':
    case 'tls':
      return openConnected(target, user, listener, (events) => openStream(target, events, certificate));
    case 'ws':
    case 'wss':
      return openConnected(target, user, listener, (events) =>
        openWebSocketConnection(target, events, certificate),
      );
  }
}

function openUdp(target: Target, user: string, listener: Listener): Line {
  let socket: UdpSocket | undefined;
  let isOpen = false;
  const sent = new SentPolls(listener);
  const drop = () => {
    socket?.close();
    socket = undefined;
    isOpen = false;
  };
  const send = (open: UdpSocket) => {
    const { bytes } = sent.add(composeOptions(target, user, open.address()));
    if (target.source === undefined) open.send(bytes);
    else open.send(bytes, target.port, target.address);
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
    const begin = () => {
      isOpen = true;
      send(fresh);
    };
    // A Kamailio on 0.0.0.0 answers from another address of this node: a connected socket would not take that.
    if (target.source !== undefined) fresh.bind({ address: target.source, port: 0, exclusive: true }, begin);
    else fresh.on('connect', begin).connect(target.port, target.address);
  };
  return {
    poll: () => (socket === undefined ? open() : isOpen && send(socket)),
    close: drop,
  };
}
