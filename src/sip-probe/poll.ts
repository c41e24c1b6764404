import { Failure } from '../failure/failure.ts';
import { errorCode, explainExhaustion, isExhaustion } from '../failure/system-error.ts';
import { now } from '../lifetime/clock.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { oneLine } from '../text/one-line.ts';
import type { ClientCertificate } from './client-certificate.ts';
import type { Outcome, Polled } from './outcome.ts';
import type { Reply } from './reply.ts';
import { requestUri, type Target } from './target.ts';
import { pollTcp } from './tcp.ts';
import { pollUdp } from './udp.ts';

/**
 * Polls one target with SIP OPTIONS and says what came of it. Only a 200 is healthy. `user` is the user
 * part of the polled URI, empty for none; `certificate` is for tls and wss. Never throws; takes until `deadline` at most.
 */
export async function pollTarget(
  target: Target,
  user: string,
  deadline: Deadline,
  certificate?: ClientCertificate,
): Promise<Outcome> {
  const startedAt = now();
  try {
    const { reply, ...more } = await poll(target, user, deadline, certificate);
    const roundTripMs = now() - startedAt;
    if (reply?.status === 200) return { healthy: true, target, reply, roundTripMs, ...more };
    if (reply) return { healthy: false, target, status: reply.status, ...explainReply(reply, target, user) };
    return { healthy: false, target, ...explainSilence(roundTripMs) };
  } catch (error) {
    return { healthy: false, target, ...explainError(error) };
  }
}

async function poll(
  target: Target,
  user: string,
  deadline: Deadline,
  certificate: ClientCertificate | undefined,
): Promise<Polled> {
  switch (target.transport) {
    case 'udp':
      return pollUdp(target, user, deadline);
    case 'tcp':
      return { reply: await pollTcp(target, user, deadline) };
    case 'tls':
      return (await import('./tls.ts')).pollTls(target, user, deadline, certificate);
    case 'ws':
    case 'wss':
      return (await import('./websocket.ts')).pollWebSocket(target, user, deadline, certificate);
  }
}

interface Explanation {
  readonly seen: string;
  readonly remedy: string;
}

function explainReply(reply: Reply, target: Target, user: string): Explanation {
  const uri = requestUri(target, user);
  return {
    seen: `answers OPTIONS ${uri} with ${reply.status} ${oneLine(reply.phrase, 80)}`.trimEnd(),
    remedy: remedyFor(reply, uri, target.uri === undefined ? user : ''),
  };
}

function remedyFor(reply: Reply, uri: string, user: string): string {
  if (reply.status === 483)
    return `kamailio.cfg must answer OPTIONS to ${uri} itself with 200 before it forwards, as it now forwards to itself until the hops run out`;
  if (reply.status >= 500) return 'Kamailio is in trouble or overloaded; see its log';
  if (reply.status >= 300) {
    return user
      ? `kamailio.cfg must answer OPTIONS to ${uri} with 200 (the metadata shows the lines), or set probe_user to the user that it answers, or to nothing`
      : `kamailio.cfg must answer OPTIONS to ${uri} with 200 (the metadata shows the lines)`;
  }
  return 'only 200 counts; change the reply in kamailio.cfg';
}

function explainSilence(waitedMs: number): Explanation {
  return {
    seen: `no answer to OPTIONS within ${(waitedMs / 1000).toFixed(1)} s`,
    remedy:
      'its workers may be busy or hung, or kamailio.cfg drops the request (does a filter want another probe_uri?); see its log and `kamctl stats`',
  };
}

function explainError(error: unknown): Explanation {
  if (error instanceof Failure) {
    const [{ seen, remedy = '' } = { seen: error.message }] = error.problems;
    return { seen, remedy };
  }
  if (isExhaustion(error)) return explainExhaustion(error);
  switch (errorCode(error)) {
    case 'ECONNREFUSED':
      return {
        seen: 'nobody listens there (refused)',
        remedy: 'compare the listen lines of Kamailio with what is polled',
      };
    case 'ECONNRESET':
    case 'EPIPE':
      return { seen: 'the connection was reset', remedy: "see Kamailio's log" };
    // What the kernel says of a link-local address without an interface (ipv6(7)).
    case 'EINVAL':
      return {
        seen: `cannot be sent to (${errorCode(error)})`,
        remedy: 'a link-local address needs its zone: fe80::1%eth0',
      };
    case 'EADDRNOTAVAIL':
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
      return {
        seen: `unreachable (${errorCode(error)})`,
        remedy: 'is the address up on this node? see `ip address`',
      };
    default:
      return {
        seen: oneLine(errorCode(error), 200),
        remedy: 'see `ip address` and the firewall of this node',
      };
  }
}
