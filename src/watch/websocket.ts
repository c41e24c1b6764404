import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { ClientCertificate } from '../sip-probe/client-certificate.ts';
import { headOf } from '../sip-probe/reply.ts';
import type { Target } from '../sip-probe/target.ts';
import { openWebSocket } from '../sip-probe/websocket.ts';
import type { Connection, ConnectionEvents } from './connected-line.ts';
import { connectTo, localOf } from './stream.ts';

/**
 * Opens a connection over ws or wss. Kamailio's pings keep it open: the library answers them. A handshake that is
 * refused is a sign of life like any reply; what it says is for the monitor to judge.
 */
export function openWebSocketConnection(
  target: Target,
  events: ConnectionEvents,
  certificate: ClientCertificate | undefined,
): Connection {
  let socket: Socket | undefined;
  let webSocket: WebSocket | undefined;
  let isDestroyed = false;
  const attach = (opening: WebSocket, connection: Socket | undefined) => {
    webSocket = opening;
    opening.on('error', events.gone).on('close', () => events.gone());
    opening.on('unexpected-response', () => events.gone());
    opening.on('message', (message) => Buffer.isBuffer(message) && events.received(headOf(message)));
    opening.on('open', () => connection && events.opened(localOf(connection)));
    if (isDestroyed) opening.terminate();
  };
  const connect = () => {
    socket = connectTo(target, certificate);
    return socket.on('connect', events.accepted);
  };
  openWebSocket(target, connect).then((opening) => attach(opening, socket), events.gone);
  return {
    send: (message) => webSocket?.send(message.toString()),
    destroy: () => {
      isDestroyed = true;
      webSocket?.terminate();
      socket?.destroy();
    },
  };
}
