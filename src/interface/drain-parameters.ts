import { optionalDuration } from './duration.ts';
import { row } from './parameter-row.ts';
import { replyCodes } from './reply-codes.ts';
import { rpcCall } from './rpc-call.ts';

/** The rows of the parameters that spare calls in a planned stop. */
export const DRAIN_PARAMETERS = {
  probe_drained: row({
    type: 'string',
    default: '',
    parse: replyCodes,
    reloadable: true,
    short: 'Replies of a drained Kamailio',
    long: `Codes of replies to a poll that mean "alive, but refuses new calls", separated by blanks or commas, for example 503: what kamailio.cfg answers while an operator drains it. A monitor reports such a reply as 190 (degraded) and says "draining": the cluster shows it, and ends no call. A start accepts it, and warns.

Empty: each reply other than 200 is a failure.`,
  }),
  drain: row({
    type: 'string',
    default: '',
    parse: rpcCall,
    reloadable: true,
    short: 'What a stop does to drain Kamailio',
    long: `What a stop asks of Kamailio before it ends it: an RPC method with its arguments, written as behind \`kamctl rpc\`, for example "cfg.set_now_int drain active 1", which makes kamailio.cfg refuse new calls. Then the stop waits until the dialog module knows of no call (dlg.stats_active) or drain_timeout is over, and ends Kamailio as usual. Whole numbers are sent as numbers, "s:5" is the text 5; quotes hold words together, nothing is expanded.

A Kamailio that answers no poll, or not over the FIFO of kamctlrc, is not drained: nobody waits for calls that cannot end. Needs cfg_rpc.so (for the example), dialog.so and jsonrpcs.so in kamailio.cfg.

Empty: a stop ends Kamailio at once.`,
  }),
  drain_timeout: row({
    type: 'integer',
    default: '',
    parse: optionalDuration,
    reloadable: true,
    short: 'Time to drain (s)',
    long: `With drain: how long a stop waits for the last call, in seconds or with a unit (90, 90s, 5min). Calls that are left then are cut. The timeout of the stop operation must be longer, for terminating takes some of it: stop_grace and 1 s, or without stop_grace 30 s (half of the timeout, if that is less). A stop never waits longer than that leaves.

Empty: as long as that leaves.`,
  }),
} as const;
