import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestInstance } from '../support/instance.ts';

/**
 * Has an instance that was not started yet load ctl in place of jsonrpcs, and its kamctlrc name ctl's socket. Returns
 * the socket's path, `control/ctl` in the instance's directory unless said otherwise; its directory is missing yet.
 */
export function useCtlAlone(
  { conffile, kamctlrc, directory }: TestInstance,
  socket = join(directory, 'control', 'ctl'),
): string {
  const lines = readFileSync(conffile, 'utf8')
    .split('\n')
    .filter((line) => !line.includes('jsonrpcs'));
  const route = lines.findIndex((line) => line.startsWith('request_route'));
  const loaded = ['loadmodule "ctl.so"', `modparam("ctl", "binrpc", "unix:${socket}")`];
  writeFileSync(conffile, lines.toSpliced(route, 0, ...loaded).join('\n'));
  writeFileSync(kamctlrc, `RPCCTLSOCKET="${socket}"\n`);
  return socket;
}
