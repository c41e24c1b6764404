import { readFileSync } from 'node:fs';
import type { Params } from '../interface/parameters.ts';
import type { MainProcess } from '../process/pidfile.ts';
import { isSameProcess } from '../process/procfs.ts';
import { monotonicMs } from '../watch/clock.ts';
import { readPolls, readState } from '../watch/state.ts';
import { isLiving } from '../watch/watcher-process.ts';
import { ok, type Result, skipped, warning } from './finding.ts';

/** Ticks of /proc/PID/stat in a second: USER_HZ, which is 100 on each processor that this agent is for (proc(5)). */
const TICKS_PER_S = 100;
/** A watcher that has not looked for so long is stopped, or gets no CPU, ms. */
const LATE_MS = 5000;

/** Says who watches Kamailio, since when, and how its polls go. */
export function watcher({ pidfile, watch }: Params, main: MainProcess): Result {
  if (!main.found) return skipped('Kamailio does not run: there is nothing to watch');
  const state = readState(pidfile);
  if (state?.reportedMs !== undefined && isSameProcess(state.main, main.process))
    return warning({
      seen: `it has told the cluster ${((monotonicMs() - state.reportedMs) / 1000).toFixed(1)} s ago that this Kamailio (pid ${main.process.pid}) failed`,
      remedy: 'the cluster recovers it; if it does not, see on-fail of the monitor and `crm_mon -1`',
    });
  if (!state || !isLiving(state.watcher))
    return warning({
      seen: `watch=${watch}, but no watcher runs`,
      remedy: 'the next monitor starts it; one called by hand as root, with the same parameters, does so too',
    });
  const { pid, startTime } = state.watcher;
  const [uptime = ''] = readFileSync('/proc/uptime', 'utf8').split(' ');
  const age = Math.round(Number(uptime) - Number(startTime) / TICKS_PER_S);
  const [lookedAt = '', ...figures] = readPolls(pidfile)?.trim().split('\n') ?? [];
  const since = lookedAt === '' ? undefined : monotonicMs() - Number(lookedAt);
  const looked = since === undefined ? 'has not looked yet' : `last look ${(since / 1000).toFixed(1)} s ago`;
  const seen = [`pid ${pid}, for ${age} s, ${looked}`, ...figures].join('; ');
  if (!isSameProcess(state.main, main.process))
    return warning({
      seen: `${seen}; it watches pid ${state.main.pid}, an earlier Kamailio`,
      remedy: 'the next monitor replaces it',
    });
  if (since !== undefined && since > LATE_MS)
    return warning({ seen, remedy: `is it stopped? see \`ps -p ${pid} -o pid,stat,args\`` });
  return ok(seen);
}
