import { Failure } from '../failure/failure.ts';
import { row } from './parameter-row.ts';

/** The row of `probe_uri`. */
export const PROBE_URI = row({
  type: 'string',
  default: '',
  parse: optionalSipUri,
  reloadable: true,
  short: 'Whole URI that is polled',
  long: `Request-URI of the polls, for a kamailio.cfg that answers OPTIONS of its domain only: sip:example.org, sip:monitor@example.org. It takes the place of probe_user. The domain is not looked up: the polls go to the same sockets. Empty: sip:USER@ADDRESS:PORT.

With monitor_tools=external these polls are the agent's own, because sipsak looks the domain up.`,
});

/** More than any kamailio.cfg compares with: characters. */
const LONGEST = 512;

/**
 * A whole SIP URI as the first line of a request has it (RFC 3261 §25.1, `SIP-URI`; without headers, §19.1.1), or empty
 * for "none". Its host may be a domain: it is sent, and never looked up. Throws Failure.
 */
function optionalSipUri(text: string): string {
  if (text === '') return '';
  const user = String.raw`(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/%:]+@)?`;
  const host = String.raw`(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?`;
  const parameters = String.raw`(?:;[A-Za-z0-9\-_.!~*'()%[\]/:&+$=]+)*`;
  if (text.length <= LONGEST && new RegExp(`^sips?:${user}${host}${parameters}$`).test(text)) return text;
  throw new Failure({
    seen: 'is no SIP URI',
    remedy: 'write it as the first line of a request has it: sip:example.org, sip:monitor@example.org:5080',
  });
}
