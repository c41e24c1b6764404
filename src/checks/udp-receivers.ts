import { Failure, type Problem } from '../failure/failure.ts';
import { explainExhaustion, isExhaustion } from '../failure/system-error.ts';
import type { Params } from '../interface/parameters.ts';
import { askProcesses, type KamailioProcess } from '../kamctl/methods.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { refresh } from '../process/instance.ts';
import { otherNamespace } from '../process/network-namespace.ts';
import { type ProcessStat, readStat, readStatus, readWaitChannel, readWakes } from '../process/procfs.ts';
import { receiversOf } from '../process/receivers.ts';
import type { Outcome } from '../sip-probe/outcome.ts';
import { pollTarget } from '../sip-probe/poll.ts';
import { describeTarget, type Target } from '../sip-probe/target.ts';
import { isSameAddress, isWildcard } from '../text/socket-address.ts';
import { controlSettings } from './control-settings.ts';

/** Between two polls, ms: each receiver that waits for datagrams gets one, for the kernel wakes them in turn. */
const APART_MS = 5;
/** No more polls than that at once: pike and the like count them. */
const MOST_POLLS = 32;
/** A receiver that works on something else for so long, without a break, does not come back soon, ms. */
const HANG_MS = 2000;
const LOOK_INTERVAL_MS = 100;

/**
 * UDP sockets some of whose receivers hang (check level 20): in a lock, in a query that is never answered. The others
 * answer every poll, until they hang, too. As many polls are sent as a socket has receivers. What hangs is none the wiser
 * of them: it sleeps (or spins) on, in something else than the wait for datagrams. `outcomes` are those of the probes.
 */
export async function hungReceivers(
  params: Params,
  mainPid: number,
  outcomes: readonly Outcome[],
  deadline: Deadline,
): Promise<Problem[]> {
  const owner = readStatus(mainPid);
  const targets = outcomes.flatMap(({ healthy, target }) =>
    healthy && target.transport === 'udp' && target.source !== undefined ? [target] : [],
  );
  // From outside of Kamailio's network namespace nothing can be sent to it.
  if (!params.kamctlrc || !owner || targets.length === 0 || otherNamespace(mainPid)) return [];
  try {
    const until = deadline.sooner(params.probe_timeout * 1000);
    const processes = await askProcesses(controlSettings(params), owner, until);
    const found = await Promise.all(
      targets.map((target) => examine(target, receiversAt(target, processes), params, deadline)),
    );
    return found.flat();
  } catch (error) {
    if (error instanceof Failure) return [...error.at('receivers')];
    // All has answered by now: what is lacking for one more question is no reason to fail the service.
    if (isExhaustion(error)) return [{ where: 'receivers', ...explainExhaustion(error) }];
    throw error;
  }
}

/** `udp receiver child=0 sock=192.0.2.10:5060`: those of the polled socket, or of the wildcard. */
function receiversAt(target: Target, processes: readonly KamailioProcess[]): ProcessStat[] {
  const all = processes.flatMap(({ pid, description }) => {
    const [, address, port] = /^udp receiver .*\bsock=\[?([^\s\]]+?)\]?:(\d+)/.exec(description) ?? [];
    const process = Number(port) === target.port ? readStat(pid) : undefined;
    return process && address !== undefined ? [{ process, address }] : [];
  });
  const exact = all.filter(({ address }) => isSameAddress(address, target.address));
  const own = exact.length > 0 ? exact : all.filter(({ address }) => isWildcard(address));
  return own.map(({ process }) => process);
}

async function examine(
  target: Target,
  receivers: readonly ProcessStat[],
  params: Params,
  deadline: Deadline,
): Promise<Problem[]> {
  const where = describeTarget(target);
  const before = receivers.map((process) => ({ process, wakes: readWakes(process.pid) }));
  const until = deadline.sooner(params.probe_timeout * 1000);
  const polls = await Promise.all(
    receivers.slice(0, MOST_POLLS).map(async (_receiver, index) => {
      await until.pause(index * APART_MS);
      return pollTarget(target, params.probe_user, until);
    }),
  );
  const unanswered = polls.filter(({ healthy }) => !healthy).length;
  const hung = await stayingAway(before, target, deadline.sooner(HANG_MS));
  return [
    ...(hung.length > 0 ? [hanging(where, hung, receivers.length)] : []),
    ...(unanswered > 0
      ? [
          {
            where,
            seen: `${unanswered} of ${polls.length} polls some ms apart got no answer`,
            remedy: 'some of its receivers may hang; see its log and `kamcmd core.psx`',
          },
        ]
      : []),
  ];
}

/** A receiver, and how often it had gone to sleep when it was first looked at. */
interface Seen {
  readonly process: ProcessStat;
  readonly wakes: number;
}

/** The receivers that do not go to sleep or wake up, and wait for something else than datagrams, until `patience` is over. */
async function stayingAway(
  before: readonly Seen[],
  target: Target,
  patience: Deadline,
): Promise<readonly ProcessStat[]> {
  const isAway = (one: Seen) => readWakes(one.process.pid) === one.wakes && !waitsForDatagrams(one.process);
  let left = before.filter(isAway);
  while (left.length > 0 && !patience.passed) {
    await patience.pause(LOOK_INTERVAL_MS);
    left = left.filter(isAway);
  }
  // One that is overloaded never sleeps either: it always finds the next datagram.
  const isLoaded = left.length > 0 && receiversOf('udp', target).some(({ receiveQueue }) => receiveQueue > 0);
  return left.flatMap(({ process }) => {
    const now = refresh(process);
    // Stopped and uninterruptible ones are reported as such; one that is traced is in the hands of a person.
    return now && (now.state === 'S' || (now.state === 'R' && !isLoaded)) ? [now] : [];
  });
}

/** In recvfrom(2): `__skb_wait_for_more_packets` (proc(5), wchan). */
function waitsForDatagrams({ pid }: ProcessStat): boolean {
  return /skb|packet|datagram/.test(readWaitChannel(pid));
}

function hanging(where: string, hung: readonly ProcessStat[], all: number): Problem {
  const [first] = hung;
  const channel = first ? readWaitChannel(first.pid) : '';
  return {
    where,
    seen: `${hung.length} of ${all} receivers hang${channel ? ` (in ${channel})` : ''}: pid ${hung.map(({ pid }) => pid).join(', ')}`,
    remedy:
      'see what they wait for, such as a lock or a query of a database, in /proc/PID/stack; restart the resource before the others hang, too',
  };
}
