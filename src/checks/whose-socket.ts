import type { Problem } from '../failure/failure.ts';
import type { Params } from '../interface/parameters.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { describeProcess, unitOf } from '../process/describe.ts';
import { descriptorTargets } from '../process/descriptors.ts';
import { isOnThisNode } from '../process/local-address.ts';
import { tablesOf } from '../process/network-namespace.ts';
import type { ProcessStat } from '../process/procfs.ts';
import { receiversOf } from '../process/receivers.ts';
import { holderOf, type ListeningSocket, listeningOn, socketInodes } from '../process/sockets.ts';
import { findWorkers } from '../process/workers.ts';
import { describeTarget, type Target } from '../sip-probe/target.ts';
import { isIPv6Literal, isSameAddress, isWildcard } from '../text/socket-address.ts';

/** What a process may take from its end until its sockets are closed, ms. */
const DYING_MS = 1000;
const LOOK_EVERY_MS = 50;

/** Whose the polled sockets are. */
export interface SocketReport {
  /** Sockets that others hold, alone or beside this instance: their answers say nothing about this Kamailio. */
  readonly problems: readonly Problem[];
  /** The same of sockets that are polled in place of the service's: nobody meant them to be this instance's alone. */
  readonly unchecked: readonly Problem[];
}

/**
 * Makes sure that the polled sockets belong to this instance and to nobody else. Kamailio binds its UDP sockets with
 * SO_REUSEADDR: a second one (the system's unit after an upgrade, one that was started by hand) binds the same socket
 * without a word, and the kernel gives it every datagram (socket(7)). What listens on no socket of this node is polled
 * elsewhere, and not judged.
 *
 * A monitor of a healthy Kamailio reads the table of UDP sockets and the descriptors of the main process, which holds
 * all of Kamailio's sockets; its workers are looked at where there is doubt. The table of TCP sockets takes it too long,
 * and no second program can listen there beside Kamailio: start, check level 20 and diagnose read it. `main` is
 * undefined where Kamailio does not run: then all are others.
 */
export function checkOwnSockets(
  targets: readonly Target[],
  main: ProcessStat | undefined,
  params: Params,
): SocketReport {
  const whose = tablesOf(main?.pid);
  // Whoever has an address that is not on this node answers for it. In another namespace all that is polled is local.
  const polled = targets
    .filter(({ address }) => whose !== 'self' || isOnThisNode(address))
    .map((target) => ({ target, receivers: receiversOf(transportOf(target), target, whose) }));
  const isOwn = ownership(main, params);
  const found = polled.flatMap(({ target, receivers }) => {
    const others = receivers.filter(({ inode }) => !isOwn(inode));
    if (others.length === 0) return [];
    const isShared = others.length < receivers.length;
    return [
      {
        problem: heldByOthers(target, others, isShared),
        isDoubt: isShared && standsIn(target, params),
      },
    ];
  });
  return {
    problems: found.flatMap(({ problem, isDoubt }) => (isDoubt ? [] : [problem])),
    unchecked: found.flatMap(({ problem, isDoubt }) => (isDoubt ? [problem] : [])),
  };
}

/**
 * A problem for each socket that this instance does not listen on, for one that is not polled. The address need not be on
 * this node: a hot standby listens on it as well.
 */
export function checkListening(
  targets: readonly Target[],
  main: ProcessStat,
  params: Params,
): readonly Problem[] {
  // An agent that may not see the descriptors can judge nothing. One that comes up has some, and no socket yet.
  if (descriptorTargets(main.pid).length === 0) return [];
  const isOwn = ownership(main, params);
  return targets.flatMap((target) => {
    const receivers = receiversOf(transportOf(target), target, tablesOf(main.pid));
    const others = receivers.filter(({ inode }) => !isOwn(inode));
    if (receivers.length === 0) return [notListening(target)];
    return others.length === 0 ? [] : [heldByOthers(target, others, others.length < receivers.length)];
  });
}

function notListening(target: Target): Problem {
  return {
    where: describeTarget(target),
    seen: 'this Kamailio does not listen there',
    remedy: 'compare its listen lines with listen_address, port and proto (`ss -lntup`)',
  };
}

/**
 * What holds the UDP socket of the service before a start has launched anything. Beside it, Kamailio would come up and
 * take its callers away. Only the very same address counts: what is on a wildcard gets what nobody else wants. The
 * loopback address, which every instance is told to listen on, may be another one's too.
 *
 * A socket in use is looked at for a second: a process that is dying, a leftover of this instance among them, has
 * nothing left to be recognised by, but its sockets are open until the kernel is through with its memory and threads.
 */
export async function holdersBeforeStart(params: Params, deadline: Deadline): Promise<readonly Problem[]> {
  const { proto, listen_address, port } = params;
  const patience = deadline.sooner(DYING_MS);
  let inUse = socketsOfService(params);
  while (inUse.length > 0 && !patience.passed) {
    await patience.pause(LOOK_EVERY_MS);
    inUse = socketsOfService(params);
  }
  if (inUse.length === 0) return [];
  const pids = holdersOf(inUse);
  const target: Target = { transport: 'udp', address: listen_address, port };
  return [
    {
      seen: `in use: ${describeTarget(target)} by ${describeHolders(pids)}, from which Kamailio would take it without a word; this start has launched nothing`,
      remedy:
        disableUnit(pids) ??
        (proto.startsWith('conf_')
          ? 'end what holds the socket, or let listen_address and port name a listen line of kamailio.cfg'
          : 'end what holds the socket'),
    },
  ];
}

/** Open UDP sockets of this node on the service's very address. */
function socketsOfService({ proto, listen_address, port }: Params): readonly ListeningSocket[] {
  if (!proto.includes('udp')) return [];
  const family = isIPv6Literal(listen_address) ? '6' : '';
  return listeningOn(port, 'udp', family).filter(({ address }) => isSameAddress(address, listen_address));
}

/**
 * What answers on the UDP socket of the service after a stop, for the log: `udp:192.0.2.10:5060 is held by pid 4711
 * (...)`. Undefined if nothing does.
 */
export function stillAnswering(address: string, port: number): string | undefined {
  const target: Target = { transport: 'udp', address, port };
  const receivers = receiversOf('udp', target);
  if (receivers.length === 0) return undefined;
  // Another node may have the address; a wildcard of this one does not answer for it.
  const isElsewhere = receivers.every((socket) => isWildcard(socket.address)) && !isOnThisNode(address);
  return isElsewhere
    ? undefined
    : `${describeTarget(target)} is held by ${describeHolders(holdersOf(receivers))}`;
}

function transportOf({ transport }: Target): 'udp' | 'tcp' {
  return transport === 'udp' ? 'udp' : 'tcp';
}

/** Tells by its inode whether a socket is the instance's. One that nobody can see (not root) is not held against it. */
function ownership(main: ProcessStat | undefined, params: Params): (inode: string) => boolean {
  if (!main) return () => false;
  const ofMain = new Set(socketInodes(main.pid));
  let ofWorkers: Set<string> | undefined;
  return (inode) => {
    if (ofMain.has(inode)) return true;
    ofWorkers ??= new Set(findWorkers(main, params).flatMap(({ pid }) => socketInodes(pid)));
    return ofWorkers.has(inode) || descriptorTargets(main.pid).length === 0;
  };
}

/** Whether a socket is polled only because the service's address is not on this node (see `findTargets`). */
function standsIn(target: Target, { probes, monitoring_ip, listen_address }: Params): boolean {
  const isNamed = probes !== undefined || monitoring_ip !== '' || isWildcard(listen_address);
  return !isNamed && !isSameAddress(target.address, listen_address);
}

function heldByOthers(target: Target, others: readonly ListeningSocket[], isShared: boolean): Problem {
  const pids = holdersOf(others);
  const by = describeHolders(pids);
  return {
    where: describeTarget(target),
    // Short: the cluster keeps 127 characters of a reason, and pid, pidfile and unit are what counts.
    seen: isShared
      ? `also held by ${by}: whoever bound it last gets what callers send`
      : `the socket is held by ${by}, not by this Kamailio`,
    remedy:
      disableUnit(pids) ??
      'end that process, or give this instance a socket of its own (listen_address, port, proto, listen lines)',
  };
}

function disableUnit([pid]: readonly number[]): string | undefined {
  const unit = pid === undefined ? undefined : unitOf(pid);
  return unit && `\`systemctl disable --now ${unit.replace(/\.service$/, '')}\`, and restart this resource`;
}

function holdersOf(sockets: readonly ListeningSocket[]): number[] {
  return [...new Set(sockets.flatMap(({ inode }) => holderOf(inode) ?? []))];
}

function describeHolders(pids: readonly number[]): string {
  return pids.length === 0 ? 'another process' : pids.map(describeProcess).join(', ');
}
