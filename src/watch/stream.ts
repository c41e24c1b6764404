import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type ClientCertificate, contextFor } from '../sip-probe/client-certificate.ts';
import { cutMessage } from '../sip-probe/reply.ts';
import { endpointOf, isSecure, type Target } from '../sip-probe/target.ts';
import { REPLY_LIMIT_BYTES } from '../sip-probe/tcp.ts';
import type { Connection, ConnectionEvents } from './connected-line.ts';

/** Opens a connection over tcp or tls; messages follow each other in its stream. */
export function openStream(
  target: Target,
  events: ConnectionEvents,
  certificate: ClientCertificate | undefined,
): Connection {
  let received: Buffer = Buffer.alloc(0);
  const socket = connectTo(target, certificate);
  socket.on('connect', events.accepted);
  socket.on(isSecure(target) ? 'secureConnect' : 'connect', () => events.opened(localOf(socket)));
  socket.on('data', (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
    for (let cut = cutMessage(received); cut; cut = cutMessage(received)) {
      received = cut.rest;
      events.received(cut.head);
    }
    // Noise is no sign of life: the polls stay unanswered, and the next one but one has a new connection.
    if (received.length > REPLY_LIMIT_BYTES) socket.destroy();
  });
  socket.on('end', () => events.gone()).on('error', events.gone);
  return { send: (message) => socket.write(message), destroy: () => socket.destroy() };
}

/** Connects to a target, in TLS if it is tls or wss. */
export function connectTo(target: Target, certificate: ClientCertificate | undefined): Socket {
  return isSecure(target)
    ? connectTls({ ...endpointOf(target), rejectUnauthorized: false, secureContext: contextFor(certificate) })
    : connect(endpointOf(target));
}

/** This side of a connection. */
export function localOf({ localAddress: address = '', localPort: port = 0 }: Socket): {
  address: string;
  port: number;
} {
  return { address, port };
}
