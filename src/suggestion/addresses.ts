import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { runProgram } from '../system/run-program.ts';
import { isSameAddress } from '../text/socket-address.ts';
import type { ClusterView } from './cluster.ts';

/** An address that moves between nodes, and why it is taken for one. */
export interface VirtualAddress {
  readonly address: string;
  readonly prefix: number;
  readonly device: string;
  readonly why: string;
  /** The cluster's resource that has it already. */
  readonly resource?: string;
  /** keepalived holds it. */
  readonly byKeepalived: boolean;
}

interface Assigned {
  readonly address: string;
  readonly prefix: number;
  readonly device: string;
  readonly secondary: boolean;
}

/** Which of the addresses that Kamailio listens on is a virtual one of this node; undefined if none is. */
export function findVirtualAddress(
  listens: readonly string[],
  cluster: ClusterView,
): VirtualAddress | undefined {
  const keepalived = keepalivedText();
  const found = assignedAddresses()
    .filter(({ address, device }) => device !== 'lo' && listens.some((one) => isSameAddress(one, address)))
    .flatMap((one): VirtualAddress[] => {
      const resource = cluster.addresses.find(({ ip }) => isSameAddress(ip, one.address))?.id;
      const byKeepalived = mentions(keepalived, one.address);
      const isHost = one.prefix === (one.address.includes(':') ? 128 : 32);
      const why = [
        ...(resource ? [`the cluster's resource ${resource} holds it`] : []),
        ...(byKeepalived ? ['keepalived.conf names it'] : []),
        ...(one.secondary ? ['it is a secondary address of its network'] : []),
        ...(isHost ? [`its prefix is /${one.prefix}`] : []),
      ];
      if (why.length === 0) return [];
      const { address, prefix, device } = one;
      return [{ address, prefix, device, byKeepalived, why: why.join(', '), ...(resource && { resource }) }];
    });
  return found.find(({ resource, byKeepalived }) => resource !== undefined || byKeepalived) ?? found[0];
}

/** Whether addresses are all that this node has: Kamailio then has no listen lines, and takes what it finds. */
export function coversNode(addresses: readonly string[]): boolean {
  const own = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal);
  return own.every(({ address }) => addresses.includes(address));
}

/** By ip(8), which alone tells a secondary address. None without it. */
function assignedAddresses(): Assigned[] {
  const answer = runProgram('ip', ['-j', 'address', 'show'], { limitMs: 3000 });
  if (answer.status !== 0) return [];
  const links: readonly Link[] = JSON.parse(answer.stdout);
  return links.flatMap(({ ifname = '', addr_info = [] }) =>
    addr_info.flatMap(({ local, prefixlen, secondary = false }) =>
      local && prefixlen ? [{ address: local, prefix: prefixlen, device: ifname, secondary }] : [],
    ),
  );
}

interface Link {
  readonly ifname?: string;
  readonly addr_info?: readonly {
    readonly local?: string;
    readonly prefixlen?: number;
    readonly secondary?: boolean;
  }[];
}

function keepalivedText(): string {
  try {
    return readFileSync('/etc/keepalived/keepalived.conf', 'utf8');
  } catch {
    return '';
  }
}

function mentions(text: string, address: string): boolean {
  return text.split(/[\s/]+/).includes(address);
}
