import * as values from './domains.ts';
import { duration } from './duration.ts';
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

sip: the same, and it polls what the monitor polls every second. It also reports a Kamailio that hangs: one of whose sockets no poll was answered for watch_timeout. In a network namespace other than the agent's it sees crashes alone.

off: a crash is seen by the next monitor. Needs root.`,
  }),
  watch_timeout: row({
    type: 'integer',
    default: '5',
    parse: duration,
    reloadable: true,
    short: 'Silence that is reported (s)',
    long: 'With watch=sip: how long a socket answers no poll, at least three, before the watcher reports it, in seconds or with a unit (5, 5s, 5000ms). Any answer ends the silence, also a late one: a Kamailio that is slow is not reported.',
  }),
} as const;
