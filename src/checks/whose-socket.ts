import type { Problem } from '../failure/failure.ts';
import { describeProcess, unitOf } from '../process/describe.ts';
import { descriptorTargets } from '../process/descriptors.ts';
import type { Instance } from '../process/instance.ts';
import { isOnThisNode } from '../process/local-address.ts';
import type { ProcessStat } from '../process/procfs.ts';
import { holderOf, type ListeningSocket, listeningSockets, socketInodes } from '../process/sockets.ts';
import { findWorkers } from '../process/workers.ts';
import { describeTarget, type Target } from '../sip-probe/target.ts';
import { isSameAddress, isWildcard } from '../text/socket-address.ts';

/**
 * Makes sure that the polled sockets belong to this instance: a problem for each that only others hold. Their answers
 * say nothing about this Kamailio. What listens on no socket of this node is polled elsewhere, and not judged.
 * Reads the descriptors of all the instance's processes; for start, check level 20 and diagnose. `main` is undefined
 * where Kamailio does not run: then all are others.
 */
export function checkOwnSockets(
  targets: readonly Target[],
  main: ProcessStat | undefined,
  instance: Instance,
): readonly Problem[] {
  const listening = listeningSockets();
  const inodes = main ? inodesOf(main, instance) : new Set<string>();
  // An agent that may not see the descriptors of its Kamailio can judge nothing.
  if (main && inodes.size === 0) return [];
  // Whoever has an address that is not on this node answers for it.
  return targets
    .filter(({ address }) => isOnThisNode(address))
    .flatMap((target) => {
      const receivers = receiversOf(target, listening);
      if (receivers.length === 0 || receivers.some(({ inode }) => inodes.has(inode))) return [];
      return [heldByOthers(target, receivers)];
    });
}

/**
 * A problem for each socket that this instance does not listen on, for one that is not polled. The address need not be on
 * this node: a hot standby listens on it as well.
 */
export function checkListening(
  targets: readonly Target[],
  main: ProcessStat,
  instance: Instance,
): readonly Problem[] {
  // An agent that may not see the descriptors can judge nothing. One that comes up has some, and no socket yet.
  if (descriptorTargets(main.pid).length === 0) return [];
  const listening = listeningSockets();
  const inodes = inodesOf(main, instance);
  return targets.flatMap((target) => {
    const receivers = receiversOf(target, listening);
    if (receivers.some(({ inode }) => inodes.has(inode))) return [];
    return [receivers.length > 0 ? heldByOthers(target, receivers) : notListening(target)];
  });
}

function inodesOf(main: ProcessStat, instance: Instance): ReadonlySet<string> {
  return new Set([main, ...findWorkers(main, instance)].flatMap(({ pid }) => socketInodes(pid)));
}

function notListening(target: Target): Problem {
  return {
    where: describeTarget(target),
    seen: 'this Kamailio does not listen there',
    remedy: 'compare its listen lines with listen_address, port and proto (`ss -lntup`)',
  };
}

/** The sockets that get what is sent to a target: those on its very address, else those on a wildcard. */
function receiversOf(target: Target, listening: readonly ListeningSocket[]): ListeningSocket[] {
  const transport = target.transport === 'udp' ? 'udp' : 'tcp';
  const candidates = listening.filter(
    (socket) => socket.transport === transport && socket.port === target.port,
  );
  const exact = candidates.filter(({ address }) => isSameAddress(address, target.address));
  return exact.length > 0 ? exact : candidates.filter(({ address }) => isWildcard(address));
}

function heldByOthers(target: Target, receivers: readonly ListeningSocket[]): Problem {
  const pids = receivers.flatMap(({ inode }) => holderOf(inode) ?? []);
  const [pid] = pids;
  const unit = pid === undefined ? undefined : unitOf(pid);
  return {
    where: describeTarget(target),
    seen: `the socket is held by ${pid === undefined ? 'another process' : describeProcess(pid)}, not by this Kamailio`,
    remedy: unit
      ? `\`systemctl disable --now ${unit.replace(/\.service$/, '')}\`, and restart this resource`
      : 'end that process, or give this instance a socket of its own (listen_address, port, proto, listen lines)',
  };
}
