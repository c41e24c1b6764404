import { Failure } from '../failure/failure.ts';
import { errorCode, isExhaustion } from '../failure/system-error.ts';
import type { Params } from '../interface/parameters.ts';
import { OCF_ERR_CONFIGURED, OCF_ERR_INSTALLED, OCF_ERR_PERM } from '../ocf/exit-code.ts';
import { type ClientCertificate, readClientCertificate } from '../sip-probe/client-certificate.ts';

/**
 * The certificate that polls over tls show; undefined if none is set. Throws Failure: OCF_ERR_INSTALLED if a file is
 * missing, OCF_ERR_PERM if it cannot be read, OCF_ERR_CONFIGURED if they are not PEM or not a pair.
 */
export function clientCertificate({ probe_tls_cert, probe_tls_key }: Params): ClientCertificate | undefined {
  if (!probe_tls_cert || !probe_tls_key) return undefined;
  try {
    return readClientCertificate(probe_tls_cert, probe_tls_key);
  } catch (error) {
    if (error instanceof Failure) throw error.as(OCF_ERR_CONFIGURED);
    if (isExhaustion(error)) throw error;
    const isMissing = errorCode(error) === 'ENOENT';
    throw new Failure(
      {
        where: 'probe_tls_cert, probe_tls_key',
        seen: error instanceof Error ? error.message : String(error),
        remedy: isMissing
          ? 'put the file on this node, or correct the parameter'
          : 'call the agent as root, or make the file readable',
      },
      isMissing ? OCF_ERR_INSTALLED : OCF_ERR_PERM,
    );
  }
}
