import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { errorCode, isExhaustion } from '../error-code.ts';
import { RpcFailure } from './rpc-failure.ts';

/** What makes Kamailio read requests from a FIFO. */
function modparam(path: string): string {
  return `load jsonrpcs.so in kamailio.cfg and set modparam("jsonrpcs", "fifo_name", "${path}"), or name the right FIFO as RPCFIFOPATH in kamctlrc`;
}

/**
 * Opens Kamailio's FIFO for writing, without waiting (fifo(7): O_NONBLOCK finds a missing reader at once)
 * and without following a link. Returns the descriptor. Throws RpcFailure.
 */
export function openRequestFifo(path: string): number {
  const fd = open(path);
  if (fstatSync(fd).isFIFO()) return fd;
  closeSync(fd);
  throw new RpcFailure(`${path} is no FIFO`, `remove it; ${modparam(path)}`);
}

function open(path: string): number {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    switch (errorCode(error)) {
      case 'ENOENT':
      case 'ENOTDIR':
        throw new RpcFailure(`the FIFO ${path} does not exist`, modparam(path));
      case 'ENXIO':
        throw new RpcFailure(
          `nobody reads the FIFO ${path}`,
          `another Kamailio left it, or this one uses another: ${modparam(path)}`,
        );
      case 'ELOOP':
        throw new RpcFailure(
          `${path} is a symbolic link`,
          `give the FIFO's own path as RPCFIFOPATH in kamctlrc`,
        );
      case 'EISDIR':
        throw new RpcFailure(`${path} is a directory`, modparam(path));
      case 'EACCES':
        throw new RpcFailure(
          `no permission to write to the FIFO ${path}`,
          'call the agent as root or as Kamailio\'s account, or widen modparam("jsonrpcs", "fifo_mode", ...)',
        );
      default:
        if (isExhaustion(error)) throw error;
        throw new RpcFailure(`the FIFO ${path} cannot be opened (${errorCode(error)})`, modparam(path));
    }
  }
}

/** Writes a request in one piece (below PIPE_BUF, so that requests of several clients never mix). Throws RpcFailure. */
export function writeRequest(fd: number, request: string, path: string): void {
  try {
    writeSync(fd, request);
  } catch (error) {
    throw new RpcFailure(
      `the FIFO ${path} takes no more requests (${errorCode(error)})`,
      "Kamailio's RPC process does not read it any more; restart the resource",
    );
  }
}
