import { connect, type TLSSocket } from 'node:tls';
import { Failure } from '../failure/failure.ts';
import { errorCode } from '../failure/system-error.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { type ClientCertificate, contextFor } from './client-certificate.ts';
import type { Polled } from './outcome.ts';
import type { Reply } from './reply.ts';
import { endpointOf, type Target } from './target.ts';
import { ClosedUnanswered, pollStream } from './tcp.ts';

/**
 * Polls a target over TLS 1.2 or 1.3. `certificate` is shown to a server that asks for one. Returns the final reply and
 * the expiry of the server's certificate; throws as `pollStream`, and Failure if the handshake fails.
 */
export function pollTls(
  target: Target,
  user: string,
  deadline: Deadline,
  certificate: ClientCertificate | undefined,
): Promise<Polled> {
  return overTls(target, certificate, (connectTls) =>
    pollStream((take) => connectTls().on('data', take), 'secureConnect', target, user, deadline),
  );
}

/**
 * Has `exchange` poll over the TLS connection that it opens by its argument, and explains what goes wrong with TLS. The
 * server's certificate is taken as it is: whether strangers trust it is not what a monitor asks. No server name is
 * sent, for targets are addresses (RFC 6066 §3).
 */
export async function overTls(
  target: Target,
  certificate: ClientCertificate | undefined,
  exchange: (connectTls: () => TLSSocket) => Promise<Reply | undefined>,
): Promise<Polled> {
  const secureContext = contextFor(certificate);
  let connected = false;
  let secured = false;
  let certificateExpires: number | undefined;
  const open = () => {
    const socket = connect({ ...endpointOf(target), rejectUnauthorized: false, secureContext });
    socket.on('connect', () => {
      connected = true;
    });
    return socket.on('secureConnect', () => {
      secured = true;
      certificateExpires = Date.parse(socket.getPeerX509Certificate()?.validTo ?? '') || undefined;
    });
  };
  const reply = await exchange(open).catch((error: unknown) => {
    if (isTlsError(error)) throw handshakeFailure(error, certificate !== undefined);
    if (secured && !certificate) throw maybeForCertificate(error);
    // A tcp socket mostly keeps silent, but random bytes of a handshake may look to it like the end of a broken message.
    if (connected && !secured) throw noHandshake('the connection was closed in the TLS handshake');
    throw error;
  });
  if (!reply && !secured) throw noHandshake('no answer to the TLS handshake');
  return { reply, ...(certificateExpires && { certificateExpires }) };
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

/** A server that requires a certificate may close the connection without a word, once TLS 1.3 is through for the client. */
function maybeForCertificate(error: unknown): unknown {
  if (!(error instanceof ClosedUnanswered)) return error;
  return new Failure(
    error.problems.map(({ remedy = '', ...problem }) => ({
      ...problem,
      remedy: `${remedy}; if it requires a client certificate (require_certificate), set probe_tls_cert and probe_tls_key`,
    })),
  );
}

function handshakeFailure(error: Error, hasCertificate: boolean): Failure {
  const wanted = /CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|BAD_CERTIFICATE/.test(errorCode(error));
  return new Failure({
    seen: `the TLS handshake failed (${errorCode(error)})`,
    remedy:
      wanted && !hasCertificate
        ? 'if it requires a client certificate (require_certificate in tls.cfg), set probe_tls_cert and probe_tls_key'
        : 'is this a tls socket of Kamailio, with a certificate and TLS 1.2 or later (tls.cfg), and does it trust the certificate in probe_tls_cert, if one is set?',
  });
}
