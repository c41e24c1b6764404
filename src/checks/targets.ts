import type { Problem } from '../failure/failure.ts';
import type { Proto } from '../interface/domains.ts';
import type { Params } from '../interface/parameters.ts';
import { isOnThisNode, loopbackOf, withZone } from '../process/local-address.ts';
import { readStat } from '../process/procfs.ts';
import { listeningSockets, socketInodes } from '../process/sockets.ts';
import { findWorkers } from '../process/workers.ts';
import type { Target } from '../sip-probe/target.ts';
import { hostPort, isWildcard } from '../text/socket-address.ts';

/** What is polled. */
export interface Targets {
  readonly targets: readonly Target[];
  /** Why a socket that should be polled cannot be. */
  readonly problems: readonly Problem[];
}

/**
 * The sockets that are polled: those of `probes`, else monitoring_ip or listen_address, port, and what proto names.
 *
 * A hot standby listens on the service's address while another node has it: a poll of that address would be answered
 * by the other node, and a hung standby would pass for healthy. So where listen_address is not on this node, and
 * nobody has named another address, a socket of this very instance is polled in its place. `mainPid` is its main
 * process, undefined if it does not run. Each is asked for `probe_uri`, if that is set. A poll of an address on this
 * node is sent from that address.
 */
export function findTargets(params: Params, mainPid: number | undefined): Targets {
  const found = findSockets(params, mainPid);
  const uri = params.probe_uri === '' ? {} : { uri: params.probe_uri };
  const here = new Map<string, boolean>();
  const sourceFor = (address: string) => {
    const isHere = here.get(address) ?? isOnThisNode(address);
    here.set(address, isHere);
    return isHere ? { source: address } : {};
  };
  return {
    ...found,
    targets: found.targets.map((target) => ({ ...target, ...uri, ...sourceFor(target.address) })),
  };
}

function findSockets(params: Params, mainPid: number | undefined): Targets {
  if (params.probes) return { targets: params.probes, problems: [] };
  const { listen_address, port, proto } = params;
  const address = params.monitoring_ip || listen_address;
  const named = transportsOf(proto).map((transport) => ({ transport, address: pollable(address), port }));
  if (address !== listen_address || isOnThisNode(listen_address)) return { targets: named, problems: [] };
  if (!proto.startsWith('conf_')) {
    const loopback = loopbackOf(listen_address);
    return { targets: named.map((target) => ({ ...target, address: loopback })), problems: [] };
  }
  const found = named.map((target) => ({
    target,
    own: mainPid === undefined ? undefined : ownSocket(target, mainPid, params),
  }));
  return {
    targets: found.flatMap(({ own }) => own ?? []),
    problems: found.flatMap(({ target, own }) => (own ? [] : [noOwnSocket(target)])),
  };
}

/** What Kamailio is to listen on, as proto says. */
export function transportsOf(proto: Proto): readonly ('udp' | 'tcp')[] {
  if (proto.endsWith('udptcp')) return ['udp', 'tcp'];
  return [proto.endsWith('tcp') ? 'tcp' : 'udp'];
}

/**
 * Nobody can send to a wildcard; what listens on it listens on the loopback address, too. Nor to a link-local address
 * without a zone.
 */
function pollable(address: string): string {
  return isWildcard(address) ? loopbackOf(address) : withZone(address);
}

/** A socket of the instance with the transport of `wanted` whose address is on this node; one with its port goes first. */
function ownSocket(wanted: Target, mainPid: number, params: Params): Target | undefined {
  const main = readStat(mainPid);
  if (!main) return undefined;
  const inodes = new Set([main, ...findWorkers(main, params)].flatMap(({ pid }) => socketInodes(pid)));
  const own = listeningSockets()
    .filter(
      ({ transport, inode, address }) =>
        transport === wanted.transport && inodes.has(inode) && isOnThisNode(address),
    )
    .map(({ address, port }) => ({ transport: wanted.transport, address: pollable(address), port }));
  return own.find(({ port }) => port === wanted.port) ?? own[0];
}

function noOwnSocket({ transport, address, port }: Target): Problem {
  const socket = `${transport}:${hostPort({ address, port })}`;
  return {
    where: socket,
    seen: `${address} is not on this node, and this Kamailio has no other ${transport} socket that could be polled`,
    remedy: `add \`listen=${transport}:${hostPort({ address: loopbackOf(address), port })}\` to kamailio.cfg, or order the address before Kamailio`,
  };
}
