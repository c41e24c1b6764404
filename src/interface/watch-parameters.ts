import * as values from './domains.ts';
import { row } from './parameter-row.ts';

/** The rows of the watcher's parameters. */
export const WATCH_PARAMETERS = {
  watch: row({
    type: 'select',
    default: 'off',
    options: values.WATCH_MODES,
    parse: values.watchMode,
    reloadable: true,
    short: 'Watcher beside the monitor',
    long: `process: a small process of the agent, the watcher, sees within 0.1 s that Kamailio crashed, and tells the cluster at once (\`crm_resource --fail\`) instead of leaving it to the next monitor. It reports only what the cluster wants to run here: not in maintenance mode, and not what is being stopped. A start leaves it, a stop ends it, a monitor starts it again if it is missing.

off: a crash is seen by the next monitor. Needs root.`,
  }),
} as const;
