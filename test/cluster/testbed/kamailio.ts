import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { SERVICE_ADDRESS } from './configuration.ts';
import { groupXml, type Operation, primitiveXml } from './resources.ts';
import type { Testbed } from './testbed.ts';

/** A Kamailio on the service's address. */
export interface KamailioOptions {
  /** Parameters over listen_address, kamuser, kamgroup and kamctl. */
  readonly params?: Readonly<Record<string, string>>;
  readonly meta?: Readonly<Record<string, string>>;
  /** s between two monitors; 10 unless said otherwise. */
  readonly monitorInterval?: number;
  /** Operations over start 60 s, stop 30 s and the monitor with 30 s. */
  readonly operations?: readonly Operation[];
  /** Resources behind it in the group, such as `primitiveXml` makes. */
  readonly followers?: readonly string[];
  /** Parameters of the group itself. */
  readonly groupMeta?: Readonly<Record<string, string>>;
  /** Whether to wait until it runs; yes unless said otherwise. */
  readonly wait?: boolean;
}

/** Names of what `createKamailio` makes. */
export const GROUP = 'sip';
export const ADDRESS_RESOURCE = 'sip_ip';
export const KAMAILIO = 'kamailio';
export const PIDFILE = `/var/run/kamailio_${KAMAILIO}/kamailio.pid`;

const EXAMPLES = new URL('../../../packaging/examples/', import.meta.url);

/** The example configuration that each node begins with: poll route and control FIFO. */
export function exampleFile(name: 'kamailio.cfg' | 'kamctlrc'): string {
  return readFileSync(new URL(name, EXAMPLES), 'utf8');
}

/** Writes the example configuration to /etc/kamailio of a node; `root` is its root as this machine sees it. */
export function writeExamples(root: string): void {
  mkdirSync(`${root}/etc/kamailio`, { recursive: true });
  for (const name of ['kamailio.cfg', 'kamctlrc'] as const)
    writeFileSync(`${root}/etc/kamailio/${name}`, exampleFile(name));
}

/** The operations of a Kamailio, with a monitor each `monitorInterval` s. */
export function kamailioOperations(monitorInterval: number): readonly Operation[] {
  return [
    { name: 'start', interval: 0, timeout: 60 },
    { name: 'stop', interval: 0, timeout: 30 },
    { name: 'monitor', interval: monitorInterval, timeout: 30 },
  ];
}

/** Parameters of the service for either agent. */
export const SERVICE_PARAMS = {
  listen_address: SERVICE_ADDRESS,
  kamuser: 'kamailio',
  kamgroup: 'kamailio',
  // For the shell agent: without kamctl its start never ends, and it looks elsewhere for it.
  kamctl: '/usr/sbin/kamctl',
};

/**
 * Creates the group `sip`: the address `sip_ip` (IPaddr2), and `kamailio` on it. Returns when both run on the same
 * node, unless `wait` is false.
 */
export async function createKamailio(testbed: Testbed, options: KamailioOptions = {}): Promise<void> {
  const address = primitiveXml({
    id: ADDRESS_RESOURCE,
    type: 'IPaddr2',
    params: { ip: SERVICE_ADDRESS, cidr_netmask: '24', nic: 'eth0' },
    // Generous: on an overloaded machine the shell agent of the address takes long.
    operations: [
      { name: 'start', interval: 0, timeout: 60 },
      { name: 'stop', interval: 0, timeout: 60 },
      { name: 'monitor', interval: 10, timeout: 60 },
    ],
  });
  const kamailio = primitiveXml({
    id: KAMAILIO,
    type: 'kamailio',
    params: { ...SERVICE_PARAMS, ...options.params },
    meta: options.meta ?? {},
    operations: options.operations ?? kamailioOperations(options.monitorInterval ?? 10),
  });
  await testbed.createResource(
    groupXml(GROUP, [address, kamailio, ...(options.followers ?? [])], options.groupMeta),
  );
  if (options.wait === false) return;
  await testbed.untilRunning(KAMAILIO);
  await testbed.settle();
}
