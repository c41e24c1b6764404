import { Failure, type Problem } from '../failure/failure.ts';
import type { Params } from '../interface/parameters.ts';
import { now } from '../lifetime/clock.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { OCF_ERR_GENERIC } from '../ocf/exit-code.ts';
import type { Account } from '../process/account.ts';
import { processesLeft } from '../process/dead-workers.ts';
import { awaitedNameServers } from '../process/name-servers.ts';
import type { ProcessStat } from '../process/procfs.ts';
import { removePidfile } from '../process/remove-pidfile.ts';
import { listeningSockets, socketInodes } from '../process/sockets.ts';
import { terminateInstance } from '../process/terminate.ts';
import { readChildren } from '../process/workers.ts';
import type { Outcome } from '../sip-probe/outcome.ts';
import { describeTarget } from '../sip-probe/target.ts';
import type { Launch } from './launch.ts';
import { canPass, PassingFailure } from './passing.ts';
import { repeatInForeground } from './repeat.ts';

/** Workers that have died, and nothing that answers, for so long: nothing will come of it, ms. */
const DEAD_MS = 1000;
/** The same refusal of every poll for so long: kamailio.cfg means it, ms. */
const REFUSED_MS = 5000;
/** Between two looks at a launcher that stays, or at workers while a poll is out, ms. */
const LOOK_INTERVAL_MS = 250;
/** So long ago it was waiting for a name server, and still does: between two requests it has no socket, ms. */
const WAITING_MS = 1000;
/** What a Kamailio that is lost gets to terminate, ms. */
const GRACE_MS = 1000;

/** Sees early that a start can never succeed. Each method throws Failure, with what to do, when it has seen so. */
export class LostStart {
  private readonly params: Params;
  private readonly account: Account | undefined;
  private readonly launched: Launch;
  private readonly deadline: Deadline;
  private death: Promise<never> | undefined;
  private explanation: Promise<Failure> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private diedAt: number | undefined;
  /** Workers at their most, and those that are left. */
  private most = 0;
  private left = 0;
  private lookedAt = 0;
  /** Name servers that the launcher has waited for, and when it was last seen to. */
  private readonly nameServers = new Map<string, number>();
  private refusal = '';
  private refusedSince = 0;

  constructor(params: Params, account: Account | undefined, launched: Launch, deadline: Deadline) {
    this.params = params;
    this.account = account;
    this.launched = launched;
    this.deadline = deadline;
  }

  /**
   * `fork=no` in kamailio.cfg: the launcher itself serves, and writes no pidfile. A launcher that forks has no sockets:
   * its child opens them.
   */
  lookForForeground(): void {
    const { pid, end } = this.launched;
    if (pid === undefined || end || now() - this.lookedAt < LOOK_INTERVAL_MS) return;
    this.lookedAt = now();
    for (const server of awaitedNameServers(pid)) this.nameServers.set(server, now());
    const own = new Set(socketInodes(pid));
    if (own.size === 0 || !listeningSockets().some(({ inode }) => own.has(inode))) return;
    throw new Failure(
      {
        seen: `Kamailio (pid ${pid}) stays in the foreground and writes no pidfile`,
        remedy: `remove \`fork=no\` from ${this.params.conffile}; only -DD in extra_options keeps it in the foreground with a pidfile`,
      },
      OCF_ERR_GENERIC,
    );
  }

  /** What holds a launcher up that has not forked until the end; undefined if that cannot be seen. */
  heldUpBy(): Problem | undefined {
    if (![...this.nameServers.values()].some((seenAt) => now() - seenAt < WAITING_MS)) return undefined;
    const servers = [...this.nameServers.keys()].sort().join(' and ');
    return {
      seen: `it waits for the DNS, and ${servers} ${this.nameServers.size > 1 ? 'do' : 'does'} not answer`,
      remedy: `write auto_aliases=no into ${this.params.conffile}: else Kamailio looks each of its addresses up before it serves; or mend /etc/resolv.conf`,
    };
  }

  /**
   * Looks at the workers until `stop`, also while a poll waits for them. Never resolves; rejects with the Failure once
   * they have died.
   */
  died(main: ProcessStat): Promise<never> {
    this.death ??= new Promise((_resolve, reject) => {
      this.timer = setInterval(() => {
        if (!this.areDead(main)) return;
        this.stop();
        this.explanation = this.explainDeath();
        this.explanation.then(reject, reject);
      }, LOOK_INTERVAL_MS);
    });
    return this.death;
  }

  /** While Kamailio's words are sought, what is seen of the processes is of the agent's own making. */
  async throwIfDead(): Promise<void> {
    if (this.explanation) throw await this.explanation;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Judges a round in which not everything answered. */
  judge(outcomes: readonly Outcome[]): void {
    const refusal = outcomes.map(refusalOf).join();
    if (refusal !== this.refusal || !outcomes.some((outcome) => refusalOf(outcome) !== '')) {
      this.refusal = refusal;
      this.refusedSince = now();
      return;
    }
    if (outcomes.some((outcome) => !outcome.healthy && refusalOf(outcome) === '')) return;
    if (now() - this.refusedSince < REFUSED_MS) return;
    throw new Failure(
      outcomes.flatMap((outcome) =>
        outcome.healthy
          ? []
          : [{ where: describeTarget(outcome.target), seen: outcome.seen, remedy: outcome.remedy }],
      ),
      OCF_ERR_GENERIC,
      `Kamailio was started and has refused every poll for ${REFUSED_MS / 1000} s`,
    );
  }

  private areDead(main: ProcessStat): boolean {
    this.most = Math.max(this.most, readChildren(main.pid)?.length ?? 0);
    const left = processesLeft(main);
    if (left === undefined) {
      this.diedAt = undefined;
      return false;
    }
    this.left = left;
    this.diedAt ??= now();
    return now() - this.diedAt >= DEAD_MS;
  }

  /** Kamailio's own words, by a repetition in the foreground, for which this one has to make room. */
  private async explainDeath(): Promise<Failure> {
    const dead = this.most - this.left;
    const died =
      dead > 1 ? `${dead} of its processes` : dead === 1 ? 'one of its processes' : "Kamailio's processes";
    const left = `${this.left} besides the main one ${this.left === 1 ? 'is' : 'are'} left`;
    await terminateInstance(this.params, this.deadline.sooner(GRACE_MS), this.deadline, {
      only: this.launched.owns,
    });
    removePidfile(this.params.pidfile, this.account);
    const { words, serves } = await repeatInForeground(this.params, this.account, this.deadline);
    const why =
      words.join(' | ') || (serves ? 'it served when it was repeated in the foreground' : 'no word of why');
    const failure = new Failure(
      // Few words: Pacemaker keeps 127 characters, and what counts is Kamailio's own.
      { seen: `${died} died at the start: ${why} (${left})`, remedy: 'see its log' },
      OCF_ERR_GENERIC,
    );
    return serves || canPass(words) ? new PassingFailure(failure, serves) : failure;
  }
}

/**
 * A final reply that will not change by itself: 3xx, 4xx, 6xx. 408, 480 and 5xx may mean "not ready yet". Empty for
 * anything else.
 */
function refusalOf(outcome: Outcome): string {
  const status = outcome.healthy ? 200 : (outcome.status ?? 0);
  const isFinal = status >= 300 && status !== 408 && status !== 480 && Math.floor(status / 100) !== 5;
  return isFinal ? `${describeTarget(outcome.target)} ${status}` : '';
}
