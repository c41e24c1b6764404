import { Failure } from '../failure/failure.ts';
import { DEFAULT_PORTS, type Target } from '../sip-probe/target.ts';
import { hasControl } from '../text/control-characters.ts';
import { oneLine } from '../text/one-line.ts';
import { isIPv4, isIPv6, isZoned } from './address.ts';

/**
 * The domains of parameter values. Each takes the text that an administrator wrote and returns the value
 * that the agent works with, or throws a Failure whose message completes "NAME=VALUE: ...".
 */

const MAX_PATH_BYTES = 4095;

/** An absolute path without control characters (PATH_MAX of Linux, less its NUL). */
export function absolutePath(text: string): string {
  if (!text.startsWith('/'))
    throw new Failure({ seen: 'is no absolute path', remedy: 'write it with a leading /' });
  if (hasControl(text))
    throw new Failure({ seen: 'holds a control character, which no path of this agent may' });
  if (Buffer.byteLength(text) > MAX_PATH_BYTES)
    throw new Failure({ seen: `is longer than ${MAX_PATH_BYTES} bytes` });
  return text;
}

/** As `absolutePath`, or empty for "none". */
export function optionalPath(text: string): string {
  return text === '' ? '' : absolutePath(text);
}

/** More sockets than one Kamailio has; polled at once they would be a burst of their own. */
const MAX_PROBES = 64;

/**
 * A list of sockets as Kamailio's listen lines have them, separated by blanks or commas:
 * `udp:10.0.0.1:5060 tls:[2001:db8::1]`. Without a port it is 5060, for tls 5061. A WebSocket, which Kamailio serves on
 * a tcp or tls socket, has ws or wss and may have a path: `wss:10.0.0.1:443/sip`. Without a port it is 80, for wss 443. The
 * word `none` is a list without sockets. Undefined if nothing is said.
 */
export function targets(text: string): readonly Target[] | undefined {
  if (text.trim() === '') return undefined;
  if (text.trim() === 'none') return [];
  const entries = text.split(',').flatMap((part) => part.trim().split(/[ \t]+/));
  if (entries.length > MAX_PROBES) {
    throw new Failure({
      seen: `lists ${entries.length} sockets`,
      remedy: `from entry ${MAX_PROBES + 1} ("${entries[MAX_PROBES]}") on it is too many`,
    });
  }
  return entries.map(target);
}

function target(entry: string): Target {
  const refuse = (why: string) => new Failure({ seen: `entry "${oneLine(entry, 80)}" ${why}` });
  if (entry === '') throw new Failure({ seen: 'has an empty entry', remedy: 'remove the comma too many' });
  const [, scheme, bracketed, plain, portText, path] =
    /^([a-z]+):(?:\[([^\]]*)\]|([^:/[\]]*))(?::([^/]*))?(\/.*)?$/s.exec(entry) ?? [];
  if (scheme === undefined)
    throw refuse(
      'is no socket; write TRANSPORT:ADDRESS:PORT, an IPv6 address in brackets, or none for no poll',
    );
  const transport = TRANSPORTS.find((name) => name === scheme);
  if (!transport) throw refuse(`has no transport of ${TRANSPORTS.join(', ')}`);
  const literal = bracketed ?? plain ?? '';
  if (bracketed === undefined ? !isIPv4(literal) : !isIPv6(literal) && !isZoned(literal)) {
    throw refuse('has no IPv4 or bracketed IPv6 address (host names are not looked up)');
  }
  if (path !== undefined && !transport.startsWith('ws'))
    throw refuse('has a path, which only ws and wss have');
  // RFC 3986 §3.3, with the query; a comma ends the entry.
  if (path !== undefined && !/^[\w\-.~!$&'()*+;=:@%/?]{1,1024}$/.test(path))
    throw refuse('has a character in its path that none may hold as it is');
  const found = { transport, address: literal, ...(path !== undefined && { path }) };
  if (portText === undefined) return { ...found, port: DEFAULT_PORTS[transport] };
  try {
    return { ...found, port: port(portText) };
  } catch {
    throw refuse('has no port from 1 to 65535');
  }
}

const TRANSPORTS = ['udp', 'tcp', 'tls', 'ws', 'wss'] as const;

/** A port from 1 to 65535. */
export function port(text: string): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > 65535)
    throw new Failure({ seen: 'is no port', remedy: 'give a number from 1 to 65535' });
  return value;
}

/** More would never fit into the timeout of an operation. */
const MAX_TRIES = 20;

/** How often something is tried: 1 to 20. */
export function tries(text: string): number {
  const value = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > MAX_TRIES)
    throw new Failure({ seen: 'is no number of tries', remedy: `give a number from 1 to ${MAX_TRIES}` });
  return value;
}

export const PROTOS = ['udp', 'tcp', 'udptcp', 'conf_udp', 'conf_tcp', 'conf_udptcp'] as const;
export type Proto = (typeof PROTOS)[number];

/** One of the six values of `proto`. */
export function proto(text: string): Proto {
  return oneOf(PROTOS, text);
}

function oneOf<T extends string>(names: readonly T[], text: string): T {
  const found = names.find((name) => name === text);
  if (!found) throw new Failure({ seen: `is not one of ${names.join(', ')}` });
  return found;
}

export const MONITOR_TOOLS = ['builtin', 'external'] as const;
export type MonitorTools = (typeof MONITOR_TOOLS)[number];

/** Whose clients the monitor uses. */
export function monitorTools(text: string): MonitorTools {
  return oneOf(MONITOR_TOOLS, text);
}

export const WATCH_MODES = ['off', 'process', 'sip'] as const;
export type WatchMode = (typeof WATCH_MODES)[number];

/** What the watcher looks at. */
export function watchMode(text: string): WatchMode {
  return oneOf(WATCH_MODES, text);
}

export const SWITCH = ['off', 'on'] as const;

/** Whether something is switched on. */
export function onOrOff(text: string): boolean {
  return oneOf(SWITCH, text) === 'on';
}

/**
 * The name (or number) of an account or group (useradd(8)), also with a realm or domain as directories have them
 * (`user@realm`, `DOMAIN\user`), or empty for "none". It never begins with a dash: programs that look it up or change
 * to it must not take it for an option. Nor does it hold a blank, a colon or a slash.
 */
export function accountName(text: string): string {
  const pattern =
    /^((?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\\)?[A-Za-z_][A-Za-z0-9_.-]{0,30}\$?(?:@[A-Za-z0-9][A-Za-z0-9.-]{0,252})?|\d{1,10})$/;
  if (text === '' || pattern.test(text)) return text;
  throw new Failure({ seen: 'is no name of an account' });
}

/** The user part of a SIP URI, or empty (RFC 3261 §25.1: `user`, without the escapes nobody needs here). */
export function sipUser(text: string): string {
  if (/^[A-Za-z0-9\-_.!~*'()&=+$,;?/]{0,128}$/.test(text)) return text;
  throw new Failure({ seen: 'is no user part of a SIP URI' });
}

/**
 * Splits a command line into words the way a shell would, and stops there: blanks separate, '...' and
 * "..." hold together, a backslash takes the next character as it is. Nothing is expanded, so `$(...)`,
 * `*` and `;` stay what they are.
 */
export function words(text: string): readonly string[] {
  if (hasControl(text.replaceAll('\t', ' '))) throw new Failure({ seen: 'holds a control character' });
  const found: string[] = [];
  // A word is a run of pieces without a blank between them: "..." | '...' | \x | anything else.
  const piece = /"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)|([^\s"'\\]+)/y;
  let rest = 0;
  let word: string | undefined;
  while (rest < text.length) {
    if (text[rest] === ' ' || text[rest] === '\t') {
      if (word !== undefined) found.push(word);
      word = undefined;
      rest += 1;
      continue;
    }
    piece.lastIndex = rest;
    const match = piece.exec(text);
    if (!match) throw new Failure({ seen: 'ends inside a quote' });
    const [whole, double, single, escaped, plain] = match;
    word = (word ?? '') + (double?.replace(/\\(["\\$`])/g, '$1') ?? single ?? escaped ?? plain ?? '');
    rest += whole.length;
  }
  if (word !== undefined) found.push(word);
  return found;
}
