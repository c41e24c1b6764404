import { Failure } from '../failure/failure.ts';
import { isLinkLocal, withoutZone } from '../text/socket-address.ts';

/**
 * An IPv4 or IPv6 literal, a link-local one with its zone; brackets around it allowed and taken away. No host names: a
 * monitor that needs the DNS fails when the DNS does, and takes the SIP service down with it. Throws Failure.
 */
export function address(text: string): string {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  if (isIPv4(bare) || isIPv6(bare) || isZoned(bare)) return bare;
  if (bare.includes('%'))
    throw new Failure({
      seen: 'is no link-local address with a zone',
      remedy: 'write it as fe80::1%eth0; only fe80::/10 has a zone',
    });
  if (/^\d+\.\d+\.\d+\.\d+:\d+$/.test(text) || /^\[.*\]:\d+$/.test(text))
    throw new Failure({ seen: 'holds a port', remedy: 'give the address here and the port in `port`' });
  throw new Failure({ seen: 'is no IPv4 or IPv6 address (host names are not looked up)' });
}

/** Whether a text is an IPv4 literal. */
export function isIPv4(text: string): boolean {
  const numbers = text.split('.');
  return (
    numbers.length === 4 &&
    numbers.every((number) => /^(0|[1-9]\d{0,2})$/.test(number) && Number(number) < 256)
  );
}

/** By the parser of URLs, which is at hand; node:net would cost a monitor 10 ms (its expression is huge). */
export function isIPv6(text: string): boolean {
  if (!/^[0-9a-fA-F:.]+$/.test(text)) return false;
  try {
    return new URL(`http://[${text}]/`) !== undefined;
  } catch {
    return false;
  }
}

/** fe80::1%eth0. The names of interfaces may hold more, but nobody gives them blanks, brackets or commas. */
export function isZoned(text: string): boolean {
  const bare = withoutZone(text);
  return /^[^%]+%[\w.-]{1,15}$/.test(text) && isLinkLocal(bare) && isIPv6(bare);
}

/** As `address`, or empty for "none". */
export function optionalAddress(text: string): string {
  return text === '' ? '' : address(text);
}
