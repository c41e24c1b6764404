import { withoutLink } from './descriptors.ts';
import { isUnitMasked, readUnit, serviceNames } from './unit-files.ts';

/** A directory that systemd takes away with all that is in it. */
export interface RuntimeDirectory {
  /** `/run/kamailio` */
  readonly path: string;
  /** `kamailio`: the service that it belongs to. */
  readonly unit: string;
}

/**
 * The runtime directory of a service that holds a file, if there is one: systemd removes it whenever the service stops or
 * fails to start (systemd.exec(5), RuntimeDirectory=), whoever else has put files there. Debian's kamailio.service has
 * /run/kamailio. A service that is masked removes nothing.
 */
export function runtimeDirectoryOf(file: string): RuntimeDirectory | undefined {
  const inRun = withoutLink(file);
  if (!inRun.startsWith('/run/')) return undefined;
  for (const name of serviceNames()) {
    const settings = readUnit(name);
    const path = directoriesOf(settings).find((one) => inRun.startsWith(`${one}/`));
    if (path === undefined || isPreserved(settings) || isUnitMasked(name)) continue;
    return { path, unit: name.replace(/\.service$/, '') };
  }
  return undefined;
}

/** An empty assignment clears those before it. What a template makes of its instance's name (%i) is not known here. */
function directoriesOf(settings: readonly string[]): string[] {
  const values = valuesOf(settings, 'RuntimeDirectory');
  return values
    .slice(values.lastIndexOf('') + 1)
    .flatMap((value) => value.split(/\s+/))
    .filter((name) => !name.includes('%'))
    .map((name) => `/run/${name.replace(/:.*$/, '')}`);
}

function isPreserved(settings: readonly string[]): boolean {
  return /^(yes|true|on|1)$/i.test(valuesOf(settings, 'RuntimeDirectoryPreserve').at(-1) ?? '');
}

function valuesOf(settings: readonly string[], name: string): string[] {
  return settings.flatMap((line) =>
    line.startsWith(`${name}=`) ? [line.slice(name.length + 1).trim()] : [],
  );
}
