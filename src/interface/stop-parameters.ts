import * as values from './domains.ts';
import { optionalDuration } from './duration.ts';
import { row } from './parameter-row.ts';

/** The rows of what a stop does with a Kamailio that does not go. */
export const STOP_PARAMETERS = {
  stop_grace: row({
    type: 'integer',
    default: '',
    parse: optionalDuration,
    reloadable: true,
    short: 'Time to terminate (s)',
    long: 'Time that a terminating Kamailio may take, in seconds or with a unit (60, 60s, 1min), for example to write its registrations to a database, before it is killed; the timeout of the stop operation must be longer. Nothing else cuts this time short.\n\nEmpty: the timeout of the stop operation less 5 s, but a Kamailio in which nothing moves any more is killed earlier: after a third of that time (3 s at least), or after 3 s if all its processes had been stopped.',
  }),
  core_on_kill: row({
    type: 'select',
    default: 'off',
    options: values.SWITCH,
    parse: values.onOrOff,
    reloadable: true,
    short: 'Core dumps of what is killed',
    long: `on: before a stop kills (SIGKILL) the processes of a Kamailio that does not terminate, it sends them SIGABRT and waits until their cores are written, for 10 s or as long as the operation has time. A core shows the next morning where each process stood.

Each core holds the shared memory, so it may be large, and there is one a process. Where they go says /proc/sys/kernel/core_pattern. A kamuser must be allowed to write there, and pacemaker.service must allow cores (LimitCORE=infinity). off: only what /proc tells of the processes goes to the log.`,
  }),
} as const;
