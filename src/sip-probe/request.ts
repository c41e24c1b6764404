import { randomDigits } from '../system/random.ts';
import { hostPortInUri } from '../text/socket-address.ts';
import { requestUri, type Target } from './target.ts';

/** An OPTIONS request and what its replies are known by. */
export interface OptionsRequest {
  readonly bytes: Buffer;
  /** Of the Via header; RFC 3261 §17.1.3 matches replies by it. */
  readonly branch: string;
  readonly callId: string;
  readonly cseq: number;
}

/**
 * Composes an OPTIONS request outside a dialog (RFC 3261 §11.1, §8.1.1). Branch, tag and Call-ID are
 * random, so that nobody who does not see the request can answer it. `user` is the user part of the
 * Request-URI, empty for none, unless the target has a URI of its own; `local` is the address the reply comes to. Over
 * wss the Via says WSS, and a URI transport=ws, for both kinds of WebSocket (RFC 7118 §5.2.1, §5.2.4).
 */
export function composeOptions(
  target: Target,
  user: string,
  local: { readonly address: string; readonly port: number },
): OptionsRequest {
  // One random value serves for the three: whoever sees one of them sees all.
  const callId = randomDigits();
  const branch = `z9hG4bK${callId}`;
  const cseq = 1;
  const here = hostPortInUri(local);
  const uri = requestUri(target, user);
  const { transport } = target;
  const parameter = transport === 'udp' ? '' : `;transport=${transport === 'wss' ? 'ws' : transport}`;
  const head = [
    `OPTIONS ${uri} SIP/2.0`,
    `Via: SIP/2.0/${transport.toUpperCase()} ${here};rport;branch=${branch}`,
    'Max-Forwards: 70',
    `From: <sip:ocf-kamailio@${here}>;tag=${callId}`,
    `To: <${uri}>`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} OPTIONS`,
    `Contact: <sip:ocf-kamailio@${here}${parameter}>`,
    'Accept: application/sdp',
    'User-Agent: ocf-kamailio',
    'Content-Length: 0',
  ];
  return { bytes: Buffer.from(`${head.join('\r\n')}\r\n\r\n`), branch, callId, cseq };
}
