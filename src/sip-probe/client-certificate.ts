import { readFileSync, statSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import { Failure } from '../failure/failure.ts';
import { errorCode, isExhaustion } from '../failure/system-error.ts';

/** A certificate that a poll shows, with its key; PEM. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

/** No chain is longer: bytes. */
const FILE_LIMIT_BYTES = 1_048_576;

/**
 * Reads a client certificate and its key. Throws the system's error if a file cannot be read, and Failure if they are
 * not PEM, or not a pair.
 */
export function readClientCertificate(certPath: string, keyPath: string): ClientCertificate {
  const certificate = { cert: readPem(certPath), key: readPem(keyPath) };
  try {
    contextFor(certificate);
    return certificate;
  } catch (error) {
    if (isExhaustion(error)) throw error;
    throw new Failure({
      where: `probe_tls_cert=${certPath}`,
      seen: `it and the key ${keyPath} are not PEM, or not a pair (${errorCode(error)})`,
      remedy: 'name a certificate and its own unencrypted key, both in PEM',
    });
  }
}

/** What a TLS connection is made with. It knows no authorities: none is asked for, and Node.js 20 takes 25 ms to read its own. */
export function contextFor(certificate: ClientCertificate | undefined): SecureContext {
  return createSecureContext({ ca: [], minVersion: 'TLSv1.2', ...certificate });
}

function readPem(path: string): string {
  // A FIFO or a device in the file's place would hold the agent up or flood it.
  const stat = statSync(path);
  if (stat.isFile() && stat.size <= FILE_LIMIT_BYTES) return readFileSync(path, 'utf8');
  throw new Failure({
    seen: `${path} is not a file in PEM`,
    remedy: 'name a certificate and its key in PEM',
  });
}
