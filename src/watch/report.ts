import { explainExhaustion, isExhaustion } from '../failure/system-error.ts';
import type { Params } from '../interface/parameters.ts';
import { now } from '../lifetime/clock.ts';
import { Deadline } from '../lifetime/deadline.ts';
import type { Invocation } from '../ocf/invocation.ts';
import type { Log } from '../ocf/log.ts';
import type { ProcessStat } from '../process/procfs.ts';
import { askStanding, findPlace, type Place, report, reportCommand } from './cluster.ts';
import { isLocked } from './keep.ts';

/** What a watcher has seen, and how it learns that it need not be reported any more. */
export interface Loss {
  readonly params: Params;
  readonly invocation: Invocation;
  readonly log: Log;
  /** `main process 4711 is gone` */
  readonly seen: string;
  /** Whether this process still is the instance's watcher: not ended, and not replaced. */
  isOurs(): boolean;
  /** The main process of a Kamailio that is well again, if there is one. */
  well(): ProcessStat | undefined;
}

/** How it went: the main process that is well again, or the watcher's work is over, after an accepted report or without. */
export type Settled = { readonly well: ProcessStat } | 'reported' | 'over';

/** What one of the cluster's tools may take, ms. */
const TOOL_LIMIT_MS = 10_000;
/** Until the next attempt, ms: doubled each time. */
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 30_000;
/** In between it is looked this often whether all is well again, ms. */
const LOOK_EVERY_MS = 250;
/** After a start the cluster may not know for a moment that the resource runs here, ms. */
const ELSEWHERE_LIMIT_MS = 10_000;

/**
 * Reports a loss to the cluster, once, if the cluster wants the resource to run here. If that cannot be done or is not
 * wanted now (maintenance mode), it is tried again at growing intervals until it is done, until Kamailio is well again,
 * or until the resource does not run on this node any more. The log says what hinders, once for each hindrance.
 */
export async function settle(loss: Loss): Promise<Settled> {
  const { params, invocation, log, seen } = loss;
  const place = await findPlace(invocation, withinMs(TOOL_LIMIT_MS));
  if (!place) {
    const words = reportCommand({ resource: invocation.instance, node: 'NODE' }).join(' ');
    log.warn(`${seen}; outside a cluster this is reported to nobody (in a cluster: \`${words}\`)`);
    return 'over';
  }
  let isAnnounced = false;
  const announce = () => {
    if (!isAnnounced)
      log.warn(`${seen}; reporting it to the cluster (resource ${place.resource} on ${place.node})`);
    isAnnounced = true;
  };
  let hindrance: string | undefined;
  let elsewhereSince: number | undefined;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    if (!loss.isOurs()) return 'over';
    const before = loss.well();
    if (before) return { well: before };
    const outcome = await attempt(loss, place, announce).catch((error: unknown) => {
      if (!isExhaustion(error)) throw error;
      return explainExhaustion(error).seen;
    });
    if (outcome === 'done') return 'reported';
    elsewhereSince = outcome === 'elsewhere' ? (elsewhereSince ?? now()) : undefined;
    if (elsewhereSince !== undefined && now() - elsewhereSince > ELSEWHERE_LIMIT_MS) return 'over';
    if (outcome !== 'elsewhere' && outcome !== hindrance) {
      log.warn(`${seen}; not reported yet: ${outcome} (pidfile ${params.pidfile})`);
      hindrance = outcome;
    }
    const again = await pauseUnless(loss, elsewhereSince === undefined ? pauseMs : FIRST_PAUSE_MS);
    if (again) return again;
  }
}

/** `done`, or what hinders. */
async function attempt(
  { params, invocation, isOurs }: Loss,
  place: Place,
  announce: () => void,
): Promise<string> {
  if (await isLocked(params.pidfile)) return 'a start or stop of this instance is at work';
  const standing = await askStanding(place, invocation.env, withinMs(TOOL_LIMIT_MS));
  if (standing.kind === 'elsewhere') return 'elsewhere';
  if (standing.kind !== 'wanted') return standing.why;
  // A stop may have ended and removed all of it while the cluster was asked.
  if (!isOurs()) return 'another watcher has taken over';
  const answer = report(place, standing.isRemote, invocation.env, withinMs(TOOL_LIMIT_MS));
  // While crm_resource runs: the stop of the recovery ends this watcher, on a busy node before the answer is here.
  announce();
  return (await answer) ?? 'done';
}

async function pauseUnless(loss: Loss, ms: number): Promise<Settled | undefined> {
  const end = withinMs(ms);
  for (; !end.passed; await end.pause(LOOK_EVERY_MS)) {
    if (!loss.isOurs()) return 'over';
    const well = loss.well();
    if (well) return { well };
  }
  return undefined;
}

function withinMs(ms: number): Deadline {
  return Deadline.sinceStart(now() + ms);
}
