import type { Problem } from '../failure/failure.ts';
import { runtimeDirectoryOf } from '../process/runtime-directory.ts';

/** The FIFO and the pidfile of an instance that are in the runtime directory of a service of systemd. */
export function inRuntimeDirectories({
  fifo,
  pidfile,
}: {
  readonly fifo: string;
  readonly pidfile: string;
}): readonly Problem[] {
  return [
    { name: 'FIFO', path: fifo, where: 'fifo_name, RPCFIFOPATH' },
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
