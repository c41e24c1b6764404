import { connect, createSecureContext, type SecureContext } from 'node:tls';
import { Failure } from '../failure/failure.ts';
import { errorCode } from '../failure/system-error.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import type { Polled } from './outcome.ts';
import type { Target } from './target.ts';
import { pollStream } from './tcp.ts';

/**
 * Polls a target over TLS 1.2 or 1.3. The certificate is taken as it is: whether strangers trust it is not
 * what a monitor asks. No server name is sent, for targets are addresses (RFC 6066 §3).
 * Returns the final reply and the certificate's expiry; throws as `pollStream`, and Failure when the
 * handshake fails.
 */
export async function pollTls(target: Target, user: string, deadline: Deadline): Promise<Polled> {
  let connected = false;
  let secured = false;
  let certificateExpires: number | undefined;
  const open = (take: (bytes: Uint8Array) => void) => {
    const socket = connect({
      host: target.address,
      port: target.port,
      rejectUnauthorized: false,
      secureContext: sharedContext(),
    });
    socket.on('connect', () => {
      connected = true;
    });
    return socket.on('data', take).on('secureConnect', () => {
      secured = true;
      certificateExpires = Date.parse(socket.getPeerX509Certificate()?.validTo ?? '') || undefined;
    });
  };
  const reply = await pollStream(open, 'secureConnect', target, user, deadline).catch((error: unknown) => {
    if (isTlsError(error)) throw handshakeFailure(error);
    // A tcp socket mostly keeps silent, but random bytes of a handshake may look to it like the end of a broken message.
    if (connected && !secured) throw noHandshake('the connection was closed in the TLS handshake');
    throw error;
  });
  if (!reply && !secured) throw noHandshake('no answer to the TLS handshake');
  return { reply, ...(certificateExpires && { certificateExpires }) };
}

let context: SecureContext | undefined;

/** One for all polls. It knows no authorities: none is asked for, and Node.js 20 takes 25 ms to read its own. */
function sharedContext(): SecureContext {
  context ??= createSecureContext({ ca: [], minVersion: 'TLSv1.2' });
  return context;
}

/** OpenSSL's errors come with codes like ERR_SSL_WRONG_VERSION_NUMBER, alerts among them. */
function isTlsError(error: unknown): error is Error {
  return error instanceof Error && /^(ERR_SSL_|ERR_TLS_|EPROTO)/.test(errorCode(error));
}

function noHandshake(seen: string): Failure {
  return new Failure({
    seen: seen,
    remedy: "is this a tls socket of Kamailio, not a tcp one? see Kamailio's log",
  });
}

function handshakeFailure(error: Error): Failure {
  return new Failure({
    seen: `the TLS handshake failed (${errorCode(error)})`,
    remedy:
      'is this a tls socket of Kamailio, with a certificate, TLS 1.2 or later and no client certificate required (tls.cfg)?',
  });
}
