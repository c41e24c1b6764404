import type { Params } from '../interface/parameters.ts';
import { now } from '../lifetime/clock.ts';
import { type ExitCode, OCF_SUCCESS } from '../ocf/exit-code.ts';
import type { Invocation } from '../ocf/invocation.ts';
import type { Log } from '../ocf/log.ts';
import { readParams } from '../params/parse.ts';
import { findMain } from '../process/pidfile.ts';
import { readStat } from '../process/procfs.ts';
import { monotonicMs } from './clock.ts';
import { openLook } from './look.ts';
import { settle } from './report.ts';
import {
  type ProcessMark,
  readState,
  removeState,
  type WatcherState,
  writePolls,
  writeState,
} from './state.ts';
import { closeInherited, setTitle } from './watcher-process.ts';

/** Between two looks at Kamailio's processes, ms: a crash is seen within 0.1 s. */
const LOOK_EVERY_MS = 80;
/** So often the watcher makes sure that it is the instance's watcher, ms. */
const CHECK_EVERY_MS = 1000;
/** Whoever starts a watcher writes its state right after; that may take this long on a busy node, ms. */
const STATE_LIMIT_MS = 5000;

/**
 * Watches the instance's main process until its loss is reported. Ends without a word when another watcher has taken
 * its place. Returns OCF_SUCCESS. Throws Failure for parameters that no start would have accepted.
 */
export async function beWatcher(invocation: Invocation, log: Log): Promise<ExitCode> {
  process.umask(0o077);
  setTitle(invocation.instance);
  closeInherited();
  const params = readParams(invocation);
  const state = await findOwnState(params.pidfile);
  let main = state?.main;
  while (state && main) {
    const seen = await untilLost(params, main);
    if (seen === undefined) return OCF_SUCCESS;
    const lost = main;
    const settled = await settle({
      params,
      invocation,
      log,
      seen,
      isOurs: () => ownState(params.pidfile) !== undefined,
      well: () => {
        const found = findMain(params);
        const isOther =
          found.found && (found.process.pid !== lost.pid || found.process.startTime !== lost.startTime);
        return isOther ? found.process : undefined;
      },
    });
    main = settled === 'over' ? undefined : adopt(params, state, settled.well, log);
  }
  if (ownState(params.pidfile)) removeState(params.pidfile);
  return OCF_SUCCESS;
}

/** Looks until something is lost, and says what; undefined when this is no longer the instance's watcher. */
async function untilLost({ pidfile }: Params, main: ProcessMark): Promise<string | undefined> {
  const look = openLook(main);
  // Waiting in one call costs less than a timer of Node.js. A signal ends the process all the same: none is handled.
  const never = new Int32Array(new SharedArrayBuffer(4));
  try {
    for (let checkedAt = Number.NEGATIVE_INFINITY; ; Atomics.wait(never, 0, 0, LOOK_EVERY_MS)) {
      const sight = look.now();
      if (!sight.alive) return sight.seen;
      if (now() - checkedAt < CHECK_EVERY_MS) continue;
      if (!ownState(pidfile)) return undefined;
      writePolls(pidfile, `${monotonicMs()}`);
      checkedAt = now();
    }
  } finally {
    look.close();
  }
}

/** Somebody has started Kamailio by hand, as in maintenance mode: it is the one to watch from now on. */
function adopt(params: Params, state: WatcherState, main: ProcessMark, log: Log): ProcessMark {
  const { pid, startTime } = main;
  writeState(params.pidfile, { ...state, main: { pid, startTime } });
  log.info(`watches the Kamailio that runs now (pid ${pid}, pidfile ${params.pidfile})`);
  return main;
}

async function findOwnState(pidfile: string): Promise<WatcherState | undefined> {
  for (
    const end = now() + STATE_LIMIT_MS;
    now() < end;
    await new Promise((resolve) => setTimeout(resolve, 10))
  ) {
    const state = ownState(pidfile);
    if (state) return state;
  }
  return undefined;
}

/** The instance's state, if it names this process. */
function ownState(pidfile: string): WatcherState | undefined {
  const state = readState(pidfile);
  const isOwn =
    state?.watcher.pid === process.pid && state.watcher.startTime === readStat(process.pid)?.startTime;
  return isOwn ? state : undefined;
}
