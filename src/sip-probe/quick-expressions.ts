import { setFlagsFromString } from 'node:v8';

/** The newest major version of V8 that is known to have the flag; one without it would complain on stderr. */
const KNOWN_V8 = 14;

/**
 * Calls `connect`, in which Node.js checks the address of a TCP or TLS socket by a regular expression. For IPv6
 * that one is so long that V8 takes 5 ms to optimise it, and a monitor uses it once or twice: so V8 leaves
 * that out for as long as `connect` takes.
 */
export function withQuickExpressions<T>(connect: () => T): T {
  if (Number.parseInt(process.versions.v8, 10) > KNOWN_V8) return connect();
  setFlagsFromString('--no-regexp-optimization');
  try {
    return connect();
  } finally {
    setFlagsFromString('--regexp-optimization');
  }
}
