import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { errorCode, isExhaustion } from '../error-code.ts';
import { Failure } from '../failure.ts';

/** What makes Kamailio read requests from a FIFO. */
function modparam(path: string): string {
  return `load jsonrpcs.so in kamailio.cfg and set modparam("jsonrpcs", "fifo_name", "${path}"), or name the right FIFO as RPCFIFOPATH in kamctlrc`;
}

/**
 * Opens Kamailio's FIFO for writing, without waiting (fifo(7): O_NONBLOCK finds a missing reader at once)
 * and without following a link. Returns the descriptor. Throws Failure.
 */
export function openRequestFifo(path: string): number {
  const fd = open(path);
  if (fstatSync(fd).isFIFO()) return fd;
  closeSync(fd);
  throw new Failure({ seen: `${path} is no FIFO`, remedy: `remove it; ${modparam(path)}` });
}

function open(path: string): number {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    switch (errorCode(error)) {
      case 'ENOENT':
      case 'ENOTDIR':
        throw new Failure({ seen: `the FIFO ${path} does not exist`, remedy: modparam(path) });
      case 'ENXIO':
        throw new Failure({
          seen: `nobody reads the FIFO ${path}`,
          remedy: `another Kamailio left it, or this one uses another: ${modparam(path)}`,
        });
      case 'ELOOP':
        throw new Failure({
          seen: `${path} is a symbolic link`,
          remedy: "give the FIFO's own path as RPCFIFOPATH in kamctlrc",
        });
      case 'EISDIR':
        throw new Failure({ seen: `${path} is a directory`, remedy: modparam(path) });
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
