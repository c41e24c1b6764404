import { clientCertificate } from '../checks/client-certificate.ts';
import { findTargets } from '../checks/targets.ts';
import type { Params } from '../interface/parameters.ts';
import { now } from '../lifetime/clock.ts';
import { listeningSockets } from '../process/sockets.ts';
import type { ClientCertificate } from '../sip-probe/client-certificate.ts';
import { describeTarget, isSecure, type Target } from '../sip-probe/target.ts';
import { isSameAddress, isWildcard } from '../text/socket-address.ts';
import { type Line, openLine } from './line.ts';
import { Silence } from './silence.ts';

/** The polls of a watcher, which go on until they are closed. */
export interface SipWatch {
  /** What is silent: `udp:192.0.2.10:5060 answered none of ...`; undefined while each target answers. */
  silent(): string | undefined;
  /** A line for each target, for a diagnosis. */
  figures(): string[];
  close(): void;
}

const POLL_EVERY_MS = 1000;
/** Two turns that are further apart than this mean that the watcher was stopped, or the machine suspended, ms. */
const PAUSE_MS = 1800;

interface Watched {
  readonly target: Target;
  readonly line: Line;
  readonly silence: Silence;
  /** Bytes that waited in Kamailio's UDP socket at the last look. */
  queued: number;
}

/**
 * Polls what a monitor polls, every second, on sockets that are kept. The targets are found anew each time: while the
 * service's address is not on this node, a socket of this very instance stands in for it (see `findTargets`).
 */
export function openSipWatch(params: Params, mainPid: number): SipWatch {
  const watched = new Map<string, Watched>();
  let lastTurn = now();
  const turn = () => {
    const at = now();
    if (at - lastTurn > PAUSE_MS) for (const { silence } of watched.values()) silence.paused(at);
    lastTurn = at;
    // Without descriptors to look with, it goes on with the targets that it has.
    const targets =
      attempt(() => findTargets(params, mainPid).targets) ?? [...watched.values()].map((one) => one.target);
    const certificate = attempt(() => clientCertificate(params));
    // A client certificate that cannot be used says nothing about Kamailio.
    const isPolled = (target: Target) =>
      !isSecure(target) || params.probe_tls_cert === '' || certificate !== undefined;
    keepLines(watched, targets.filter(isPolled), params.probe_user, certificate);
    for (const { line } of watched.values()) attempt(() => line.poll());
  };
  turn();
  const timer = setInterval(turn, POLL_EVERY_MS);
  return {
    silent: () => {
      const at = now();
      if (at - lastTurn > PAUSE_MS) return undefined;
      for (const one of watched.values()) {
        if (one.silence.isDoubtful) lookAtQueue(one, at);
        const ms = one.silence.lasting(at, params.watch_timeout * 1000);
        if (ms !== undefined)
          return `${describeTarget(one.target)} has not answered for ${(ms / 1000).toFixed(1)} s`;
      }
      return undefined;
    },
    figures: () =>
      [...watched.values()].map(
        ({ target, silence }) => `${describeTarget(target)}: ${silence.describe(now())}`,
      ),
    close: () => {
      clearInterval(timer);
      for (const { line } of watched.values()) line.close();
    },
  };
}

/** Opens lines to new targets, and closes those to targets that are no longer polled. */
function keepLines(
  watched: Map<string, Watched>,
  targets: readonly Target[],
  user: string,
  certificate: ClientCertificate | undefined,
): void {
  const keys = targets.map(keyOf);
  for (const [key, { line }] of watched) {
    if (keys.includes(key)) continue;
    line.close();
    watched.delete(key);
  }
  for (const target of targets) {
    const key = keyOf(target);
    if (watched.has(key)) continue;
    const silence = new Silence();
    const listener = {
      polled: () => silence.polled(now()),
      answered: (roundTripMs: number) => silence.answered(now(), roundTripMs),
      alive: () => silence.alive(now()),
    };
    const line = openLine(target, user, listener, certificate);
    watched.set(key, { target, line, silence, queued: 0 });
  }
}

/** A line is kept as long as it would be opened the same way: an address may come to this node, or leave it. */
function keyOf(target: Target): string {
  return `${describeTarget(target)} ${target.source ?? ''}`;
}

/**
 * A Kamailio under more load than it can take loses polls like all other datagrams, but it reads: its queue gets shorter
 * in between. That of one that hangs only grows, until it is full.
 */
function lookAtQueue(one: Watched, at: number): void {
  const { target, silence } = one;
  if (target.transport !== 'udp') return;
  const queued = attempt(() =>
    listeningSockets(['udp'])
      .filter(
        ({ port, address }) =>
          port === target.port && (isSameAddress(address, target.address) || isWildcard(address)),
      )
      .reduce((sum, { receiveQueue }) => sum + receiveQueue, 0),
  );
  if (queued === undefined) return;
  if (queued < one.queued) silence.alive(at);
  one.queued = queued;
}

/** Own trouble, such as no descriptors left on the node, says nothing about Kamailio. */
function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
