import type { Problem } from '../failure/failure.ts';
import type { ControlSettings } from '../kamctl/kamctlrc.ts';
import { runtimeDirectoryOf } from '../process/runtime-directory.ts';

/**
 * What of an instance's control plane and pidfile is in the runtime directory of a service of systemd. `control` is
 * undefined if the instance has no control plane.
 */
export function inRuntimeDirectories(
  control: Pick<ControlSettings, 'fifo' | 'ctlSocket'> | undefined,
  pidfile: string,
): readonly Problem[] {
  const { fifo, ctlSocket } = control ?? {};
  return [
    ctlSocket === undefined
      ? { name: 'FIFO', path: fifo, where: 'fifo_name, RPCFIFOPATH' }
      : { name: 'socket of ctl', path: ctlSocket, where: 'binrpc of ctl, RPCCTLSOCKET' },
    { name: 'pidfile', path: pidfile, where: 'parameter pidfile' },
  ].flatMap(({ name, path, where }) => {
    const taken = path && runtimeDirectoryOf(path);
    if (!taken) return [];
    return [
      {
        seen: `systemd removes ${taken.path}, where the ${name} ${path} is, whenever ${taken.unit}.service stops or fails to start`,
        remedy: `\`systemctl mask ${taken.unit}\`, or give the ${name} a directory of the cluster's own (${where})`,
      },
    ];
  });
}

/**
 * That a file which Kamailio goes on using was removed, with or without its directory, and by whom where that can be
 * told: systemd removes the runtime directory of a kamailio.service that stops or fails to start beside the cluster's
 * Kamailio. `what` is the file, `settings` where another path is set.
 */
export function wasRemoved(what: string, path: string, settings: string): Problem {
  const taken = runtimeDirectoryOf(path);
  return {
    seen: taken
      ? `the ${what} was removed, as ${taken.unit}.service of systemd removes ${taken.path} whenever it stops or fails to start`
      : `the ${what} was removed`,
    remedy: `${taken ? `\`systemctl mask ${taken.unit}\`` : 'find out what removes files there'}, give it a directory of the cluster's own (${settings}), and restart this resource when it suits`,
  };
}
