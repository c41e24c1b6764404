import { accessSync, constants } from 'node:fs';
import { Failure } from '../failure/failure.ts';
import type { Params } from '../interface/parameters.ts';
import { OCF_ERR_INSTALLED } from '../ocf/exit-code.ts';
import { isLinkLocal } from '../text/socket-address.ts';

/** The programs of monitor_tools=external are there. Throws Failure OCF_ERR_INSTALLED. */
export function checkTools(params: Params): void {
  if (params.monitor_tools !== 'external') return;
  if (pollsWithSipsak(params)) findTool('sipsak', [params.sipsak]);
  if (params.kamctlrc) findTool('kamctl', [params.kamctl, '/usr/bin/kamctl']);
}

/** Whether anything is polled: not with probes=none. */
export function isPolled({ probes }: Params): boolean {
  return probes?.length !== 0;
}

/**
 * Whether sipsak polls. It looks the domain of a URI up, and would send the poll there, and it takes no link-local
 * addresses: such polls are the agent's own.
 */
export function pollsWithSipsak(params: Params): boolean {
  if (params.monitor_tools !== 'external' || !isPolled(params) || params.probe_uri !== '') return false;
  const { listen_address, monitoring_ip, probes = [] } = params;
  return ![listen_address, monitoring_ip, ...probes.map(({ address }) => address)].some(isLinkLocal);
}

/** The first of the paths at which a program can be executed. Throws Failure OCF_ERR_INSTALLED. */
export function findTool(name: string, paths: readonly string[]): string {
  const found = paths.find(isExecutable);
  if (found) return found;
  throw new Failure(
    {
      seen: `monitor_tools=external needs ${name}, which is not at ${paths.join(' or ') || '(empty)'}`,
      remedy: 'install it, or set monitor_tools=builtin',
    },
    OCF_ERR_INSTALLED,
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return path !== '';
  } catch {
    return false;
  }
}
