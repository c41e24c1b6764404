import { readFileSync } from 'node:fs';
import type { Problem } from '../../failure/failure.ts';
import type { Params } from '../../interface/parameters.ts';
import { isUnitEnabled } from '../../process/unit-files.ts';

/** What on this node goes on beside the cluster, or is set for Kamailio and does not reach it under the cluster. */
export function checkBeside(id: string, { extra_options }: Params): readonly Problem[] {
  const enabled = isUnitEnabled('kamailio.service')
    ? [
        {
          where: 'kamailio.service',
          seen: 'is enabled: at boot, systemd starts a Kamailio beside the cluster',
          remedy: '`systemctl disable --now kamailio`',
        },
      ]
    : [];
  const text = readText('/etc/default/kamailio');
  const carried = (option: string) => extra_options.some((word) => word.startsWith(option));
  const missing = Object.entries({ SHM_MEMORY: '-m', PKG_MEMORY: '-M' }).flatMap(([name, option]) => {
    const value = new RegExp(`^${name}=["']?(\\d+)`, 'm').exec(text)?.[1];
    return value === undefined || carried(option) ? [] : [{ name, option, value }];
  });
  if (missing.length === 0) return enabled;
  const options = [...extra_options, ...missing.flatMap(({ option, value }) => [option, value])];
  const isPlain = options.every((word) => /^[\w@%+:,./=-]+$/.test(word));
  return [
    ...enabled,
    {
      where: '/etc/default/kamailio',
      seen: `${missing.map(({ name, value }) => `${name}=${value}`).join(', ')} is for the unit; the cluster does not pass it on`,
      remedy: isPlain
        ? `\`pcs resource update ${id} extra_options="${options.join(' ')}"\`, or take it out of the file`
        : `add ${missing.map(({ option, value }) => `${option} ${value}`).join(' ')} to extra_options, or take it out of the file`,
    },
  ];
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
