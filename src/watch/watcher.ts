import type { Params } from '../interface/parameters.ts';
import { nextTurn, now, pause } from '../lifetime/clock.ts';
import { type ExitCode, OCF_SUCCESS } from '../ocf/exit-code.ts';
import type { Invocation } from '../ocf/invocation.ts';
import type { Log } from '../ocf/log.ts';
import { readParams } from '../params/parse.ts';
import { otherNamespace } from '../process/network-namespace.ts';
import { findMain } from '../process/pidfile.ts';
import { isSameProcess, type ProcessMark, type ProcessStat, readStat } from '../process/procfs.ts';
import { monotonicMs } from './clock.ts';
import { unlessExhausted } from './exhausted.ts';
import { openLook } from './look.ts';
import { settle } from './report.ts';
import type { SipWatch } from './sip.ts';
import { readState, removePolls, removeState, type WatcherState, writePolls, writeState } from './state.ts';
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
    const watch = await openWatch(params, main);
    const seen = await untilLost(params, watch);
    if (seen === undefined) return OCF_SUCCESS;
    const settled = await settle({
      params,
      invocation,
      log,
      seen,
      isOurs: () => isOurs(params.pidfile),
      well: () => unlessExhausted(() => wellAgain(params, watch), undefined),
    });
    watch.close();
    if (settled === 'reported') {
      noteReport(params.pidfile);
      return OCF_SUCCESS;
    }
    main = settled === 'over' ? undefined : adopt(params, state, settled.well, log);
  }
  if (isOurs(params.pidfile)) removeState(params.pidfile);
  return OCF_SUCCESS;
}

/** What is watched of one Kamailio. */
interface Watch {
  readonly main: ProcessMark;
  readonly sip: SipWatch | undefined;
  /** What is lost, if anything. */
  look(): string | undefined;
  close(): void;
}

async function openWatch(params: Params, main: ProcessMark): Promise<Watch> {
  const processes = openLook(main);
  // A watcher of processes alone needs no sockets, and no memory for them.
  // Nor can it poll what is in another network namespace: the monitor does.
  const polls = params.watch === 'sip' && otherNamespace(main.pid) === undefined;
  const sip = polls ? (await import('./sip.ts')).openSipWatch(params, main.pid) : undefined;
  return {
    main,
    sip,
    look: () => {
      const sight = processes.now();
      return sight.alive ? sip?.silent() : sight.seen;
    },
    close: () => {
      processes.close();
      sip?.close();
    },
  };
}

/** Looks until something is lost, and says what; undefined when this is no longer the instance's watcher. */
async function untilLost({ pidfile }: Params, { sip, look }: Watch): Promise<string | undefined> {
  // Without sockets, waiting in one call costs less than a timer of Node.js. A signal ends the process all the same.
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (let checkedAt = Number.NEGATIVE_INFINITY; ; ) {
    const lost = unlessExhausted(look, undefined);
    if (lost !== undefined) return lost;
    if (now() - checkedAt >= CHECK_EVERY_MS) {
      if (!isOurs(pidfile)) return undefined;
      writePolls(pidfile, [monotonicMs(), ...(sip?.figures() ?? [])].join('\n'));
      checkedAt = now();
    }
    if (sip) await receive(LOOK_EVERY_MS);
    else Atomics.wait(never, 0, 0, LOOK_EVERY_MS);
  }
}

/** Waits, and then takes what has come in meanwhile before anybody judges whether something came. */
async function receive(ms: number): Promise<void> {
  await pause(ms);
  await nextTurn();
}

/** The main process if it has nothing lost, or another one in its place. */
function wellAgain(params: Params, { main, look }: Watch): ProcessStat | undefined {
  const found = findMain(params);
  if (!found.found) return undefined;
  const isOther = !isSameProcess(found.process, main);
  return isOther || look() === undefined ? found.process : undefined;
}

/** Somebody has started Kamailio by hand, as in maintenance mode, or it answers again: it is watched from now on. */
function adopt(params: Params, state: WatcherState, main: ProcessMark, log: Log): ProcessMark {
  const { pid, startTime } = main;
  writeState(params.pidfile, { ...state, main: { pid, startTime } });
  log.info(`watches the Kamailio that runs now (pid ${pid}, pidfile ${params.pidfile})`);
  return main;
}

/**
 * The recovery removes this note. Without it a monitor that is at work beside the report would find a main process
 * without a watcher, and start another one, which would report the same failure once more.
 */
function noteReport(pidfile: string): void {
  try {
    const state = ownState(pidfile);
    if (state) writeState(pidfile, { ...state, reportedMs: monotonicMs() });
  } catch {
    // Neither descriptors nor room in /run: the next monitor finds a watcher that has ended.
  }
  removePolls(pidfile);
}

async function findOwnState(pidfile: string): Promise<WatcherState | undefined> {
  for (const end = now() + STATE_LIMIT_MS; now() < end; await pause(10)) {
    const state = ownState(pidfile);
    if (state) return state;
  }
  return undefined;
}

/** Whether this process is the instance's watcher still, as far as it can see. */
function isOurs(pidfile: string): boolean {
  return unlessExhausted(() => ownState(pidfile) !== undefined, true);
}

let ownStartTime: string | undefined;

/** The instance's state, if it names this process. */
function ownState(pidfile: string): WatcherState | undefined {
  const state = readState(pidfile);
  ownStartTime ??= readStat(process.pid)?.startTime;
  const isOwn = state?.watcher.pid === process.pid && state.watcher.startTime === ownStartTime;
  return isOwn ? state : undefined;
}
