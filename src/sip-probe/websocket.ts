import { connect, type Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Deadline } from '../lifetime/deadline.ts';
import { hostPortInUri } from '../text/socket-address.ts';
import type { ClientCertificate } from './client-certificate.ts';
import type { Polled } from './outcome.ts';
import { answers, headOf, parseReply, type Reply } from './reply.ts';
import { composeOptions, type OptionsRequest } from './request.ts';
import { endpointOf, isSecure, type Target } from './target.ts';
import { CLOSE_AFTER_MS, ClosedUnanswered, REPLY_LIMIT_BYTES } from './tcp.ts';
import { overTls } from './tls.ts';
import { explainHandshake, refusedHandshake, silentHandshake } from './websocket-handshake.ts';

/**
 * Polls a target over a WebSocket (RFC 7118), for wss inside TLS. `certificate` is for wss. Returns the final reply,
 * undefined if none comes by `deadline`. Throws the socket's error, and Failure if the handshake is refused or stays
 * without an answer, or the connection is closed.
 */
export async function pollWebSocket(
  target: Target,
  user: string,
  deadline: Deadline,
  certificate: ClientCertificate | undefined,
): Promise<Polled> {
  let isOpen = false;
  const over = (connectTo: () => Socket) =>
    exchange(target, user, deadline, connectTo, () => {
      isOpen = true;
    });
  const polled = isSecure(target)
    ? await overTls(target, certificate, over)
    : { reply: await over(() => connect(endpointOf(target))) };
  if (!polled.reply && !isOpen) throw silentHandshake();
  return polled;
}

/**
 * Begins the handshake (RFC 6455 §4.1) with SIP as the subprotocol (RFC 7118 §4.1), over the connection that `connectTo`
 * opens. The library is loaded here: no other poll needs it.
 */
export async function openWebSocket(target: Target, connectTo: () => Socket): Promise<WebSocket> {
  const { Client } = await import('./websocket-client.ts');
  return new Client(`ws://${hostPortInUri(target)}${target.path ?? '/'}`, 'sip', {
    createConnection: connectTo,
    perMessageDeflate: false,
    maxPayload: REPLY_LIMIT_BYTES,
  });
}

/** Sends OPTIONS once the handshake is done; a message of the WebSocket is one SIP message (RFC 7118 §5). */
async function exchange(
  target: Target,
  user: string,
  deadline: Deadline,
  connectTo: () => Socket,
  opened: () => void,
): Promise<Reply | undefined> {
  let connection: Socket | undefined;
  const webSocket = await openWebSocket(target, () => {
    connection = connectTo();
    return connection;
  });
  return new Promise((resolve, reject) => {
    let request: OptionsRequest | undefined;
    const expiry = setTimeout(() => finish(() => resolve(undefined)), deadline.remaining);
    const finish = (settle: () => void) => {
      clearTimeout(expiry);
      settle();
      setTimeout(() => webSocket.terminate(), CLOSE_AFTER_MS).unref();
    };
    webSocket.on('open', () => {
      opened();
      const { localAddress: address = '', localPort: port = 0 } = connection ?? {};
      request = composeOptions(target, user, { address, port });
      webSocket.send(request.bytes.toString());
    });
    webSocket.on('message', (message) => {
      const reply = Buffer.isBuffer(message) ? parseReply(headOf(message)) : undefined;
      if (reply && request && answers(reply, request) && reply.status >= 200) finish(() => resolve(reply));
    });
    webSocket.on('unexpected-response', (_request, response) =>
      finish(() => reject(refusedHandshake(response, target))),
    );
    webSocket.on('error', (error) => finish(() => reject(explainHandshake(error))));
    webSocket.on('close', () => finish(() => reject(new ClosedUnanswered())));
  });
}
