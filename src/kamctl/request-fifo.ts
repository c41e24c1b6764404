import { closeSync, constants, fstatSync, openSync, type Stats, writeSync } from 'node:fs';
import { Failure } from '../failure/failure.ts';
import { errorCode, isExhaustion } from '../failure/system-error.ts';

/** What makes Kamailio read requests from a FIFO. */
function modparam(path: string): string {
  return `load jsonrpcs.so in kamailio.cfg and set modparam("jsonrpcs", "fifo_name", "${path}"), or name the right FIFO as RPCFIFOPATH in kamctlrc`;
}

/** open(2): the file itself, neither for reading nor for writing. Node.js has no name for the flag. */
const O_PATH = 0o10_000_000;

/**
 * Opens Kamailio's FIFO for writing, without waiting (fifo(7): O_NONBLOCK finds a missing reader at once)
 * and without following a link. Its directory is kamuser's, who may put anything there: what is no FIFO is not opened.
 * Returns the descriptor. Throws Failure.
 */
export function openRequestFifo(path: string): number {
  try {
    const held = openSync(path, O_PATH | constants.O_NOFOLLOW);
    try {
      checkIsFifo(path, fstatSync(held));
      return openSync(`/proc/self/fd/${held}`, constants.O_WRONLY | constants.O_NONBLOCK);
    } finally {
      closeSync(held);
    }
  } catch (error) {
    if (error instanceof Failure) throw error;
    switch (errorCode(error)) {
      case 'ENOENT':
      case 'ENOTDIR':
        throw new Failure({ seen: `the FIFO ${path} does not exist`, remedy: modparam(path) });
      case 'ENXIO':
        throw new Failure({
          seen: `nobody reads the FIFO ${path}`,
          remedy: `another Kamailio left it, or this one uses another: ${modparam(path)}`,
        });
      case 'EACCES':
      case 'EPERM':
        throw new Failure({
          seen: `no permission to write to the FIFO ${path}`,
          remedy: "call the agent as root or as Kamailio's account",
        });
      default:
        if (isExhaustion(error)) throw error;
        throw new Failure({
          seen: `the FIFO ${path} cannot be opened (${errorCode(error)})`,
          remedy: modparam(path),
        });
    }
  }
}

function checkIsFifo(path: string, found: Stats): void {
  if (found.isFIFO()) return;
  if (found.isSymbolicLink()) {
    throw new Failure({
      seen: `${path} is a symbolic link`,
      remedy: "give the FIFO's own path as RPCFIFOPATH in kamctlrc",
    });
  }
  if (found.isDirectory()) throw new Failure({ seen: `${path} is a directory`, remedy: modparam(path) });
  throw new Failure({ seen: `${path} is no FIFO`, remedy: `remove it; ${modparam(path)}` });
}

/** Writes a request in one piece (below PIPE_BUF, so that requests of several clients never mix). Throws Failure. */
export function writeRequest(fd: number, request: string, path: string): void {
  try {
    writeSync(fd, request);
  } catch (error) {
    throw new Failure({
      seen: `the FIFO ${path} takes no more requests (${errorCode(error)})`,
      remedy: "Kamailio's RPC process does not read it any more; restart the resource",
    });
  }
}
