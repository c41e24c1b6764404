import { optionalPath } from './domains.ts';
import { row } from './parameter-row.ts';

/** The rows of the programs that monitor_tools=external runs. */
export const EXTERNAL_TOOLS = {
  sipsak: row({
    type: 'string',
    default: '/usr/bin/sipsak',
    parse: optionalPath,
    reloadable: true,
    short: 'sipsak program',
    long: 'Absolute path of sipsak; used with monitor_tools=external only.',
  }),
  kamctl: row({
    type: 'string',
    default: '/usr/sbin/kamctl',
    parse: optionalPath,
    reloadable: true,
    short: 'kamctl program',
    long: 'Absolute path of kamctl; used with monitor_tools=external only. Also looked for in /usr/bin.',
  }),
} as const;
