import type { IncomingMessage } from 'node:http';
import { Failure } from '../failure/failure.ts';
import { errorCode } from '../failure/system-error.ts';
import { oneLine } from '../text/one-line.ts';
import type { Target } from './target.ts';
import { ClosedUnanswered } from './tcp.ts';

/** Why a handshake did not lead to a WebSocket, and what to change in kamailio.cfg. */

/** What makes a tcp or tls socket of Kamailio a WebSocket (modules xhttp and websocket). */
const SET_UP =
  'kamailio.cfg needs tcp_accept_no_cl=yes, the modules xhttp and websocket, and ws_handle_handshake() in event_route[xhttp:request]';

/** A server that answers with HTTP but does not change to a WebSocket. */
export function refusedHandshake(
  { statusCode = 0, statusMessage = '', headers }: IncomingMessage,
  target: Target,
): Failure {
  const path = target.path ?? '/';
  const seen =
    `answers the WebSocket handshake with HTTP ${statusCode} ${oneLine(statusMessage, 80)}`.trimEnd();
  const offered = headers['sec-websocket-protocol'];
  // Kamailio's websocket module names the subprotocols that it takes in its 400.
  if (statusCode === 400 && offered !== undefined && !/\bsip\b/i.test(String(offered)))
    return new Failure({
      seen: `${seen}: it takes the subprotocol ${oneLine(String(offered), 40)}, not sip`,
      remedy: 'add sip to modparam("websocket", "sub_protocols", ...)',
    });
  if (statusCode === 503)
    return new Failure({ seen, remedy: 'are WebSockets disabled? `kamctl rpc ws.enable`' });
  return new Failure({
    seen,
    remedy: `event_route[xhttp:request] of kamailio.cfg must call ws_handle_handshake() for ${oneLine(path, 80)}; or name in probes the path that it takes (ws:ADDRESS:PORT/PATH)`,
  });
}

/** Nothing came back by the deadline. */
export function silentHandshake(): Failure {
  return new Failure({
    seen: 'no answer to the WebSocket handshake',
    remedy: `its tcp workers may be busy or hung, or it is not a WebSocket: ${SET_UP}`,
  });
}

/** An error of the connection. Those of TLS and of the system stay what they are. */
export function explainHandshake(error: Error): Error {
  const code = errorCode(error);
  // node:http says so of a connection that was closed before the answer.
  if (error.message === 'socket hang up')
    return new ClosedUnanswered('the connection was closed in the WebSocket handshake', SET_UP);
  // What the parser of HTTP and the library themselves find has no code of the system.
  if (code.startsWith('HPE_'))
    return new Failure({
      seen: `answers the WebSocket handshake with something that is not HTTP`,
      remedy: SET_UP,
    });
  if (code.startsWith('WS_ERR_') || !('code' in error))
    return new Failure({
      seen: `breaks the rules of WebSocket (${oneLine(error.message, 100)})`,
      remedy: 'find out what listens there',
    });
  return error;
}
