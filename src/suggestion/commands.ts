import { Failure } from '../failure/failure.ts';
import { OCF_ERR_ARGS } from '../ocf/exit-code.ts';
import type { VirtualAddress } from './addresses.ts';
import type { ClusterView } from './cluster.ts';
import type { ParameterTexts } from './parameters.ts';
import { isSafeForCrm, quoteForCrm, quoteForShell, quotePair } from './quote.ts';

/** What is to be made in the cluster. */
export interface Plan {
  readonly name: string;
  readonly params: ParameterTexts;
  readonly virtual: VirtualAddress | undefined;
  /** On every node, hot, and the address where the cluster puts it; else a group of address and Kamailio. */
  readonly standby: boolean;
  readonly cluster: ClusterView;
}

const AGENT = 'ocf:heartbeat:kamailio';
/** Else the cluster may move what it finds running to a node that has less to do. */
const STAYS = 'meta resource-stickiness=100';
const ADDRESS_AGENT = 'ocf:heartbeat:IPaddr2';

/** The commands that make the resources, each to be pasted into a shell as it stands. */
export function clusterCommands(plan: Plan, tool: 'pcs' | 'crm'): string[] {
  return tool === 'pcs' ? withPcs(plan) : [withCrm(plan)];
}

function withPcs(plan: Plan): string[] {
  const { name, virtual, standby } = plan;
  const pairs = Object.entries(plan.params).map(([key, text]) => quotePair(key, blank(text)));
  const create = (...more: string[]) =>
    [`pcs resource create ${name} ${AGENT}`, ...pairs, ...more].join(' \\\n    ');
  if (!virtual) return [create(standby ? 'clone interleave=true' : STAYS)];
  const address = addressId(plan);
  const made = virtual.resource
    ? []
    : [`pcs resource create ${address} ${ADDRESS_AGENT} ${addressPairs(virtual).join(' ')}`];
  if (standby) {
    return [
      create('clone interleave=true'),
      ...made,
      `pcs constraint order start ${name}-clone then start ${address}`,
      `pcs constraint colocation add ${address} with ${name}-clone`,
    ];
  }
  const there = groupOf(plan);
  const group = there ?? `${name}-group`;
  const first = made.map((command) => `${command} --group ${group}`);
  return [
    ...(virtual.resource && there === undefined ? [`pcs resource group add ${group} ${address}`] : first),
    create(STAYS, `--group ${group}`),
  ];
}

/** In one step, so that Kamailio is not started before it is ordered after its address. */
function withCrm(plan: Plan): string {
  const { name, virtual, standby } = plan;
  const unsafe = Object.entries(plan.params).find(([, text]) => !isSafeForCrm(text))?.[0];
  if (unsafe !== undefined) {
    throw new Failure(
      {
        seen: `crmsh cannot take the value of ${unsafe}, which has a backslash before a double quote or at its end`,
        remedy: 'call suggest with --for=pcs',
      },
      OCF_ERR_ARGS,
    );
  }
  const pairs = Object.entries(plan.params).map(([key, text]) => `${key}=${quoteForCrm(text)}`);
  const primitive = [
    `primitive ${name} ${AGENT}`,
    `params ${pairs.join(' ')}`,
    'op start timeout=60s interval=0 op stop timeout=30s interval=0 op monitor interval=10s timeout=30s',
    ...(standby ? [] : [STAYS]),
  ].join(' \\\n    ');
  const clone = standby ? [`clone ${name}-clone ${name} meta interleave=true`] : [];
  return [
    "crm configure <<'END'",
    primitive,
    ...clone,
    ...(virtual ? crmAddress(plan, virtual) : []),
    'END',
  ].join('\n');
}

function crmAddress(plan: Plan, virtual: VirtualAddress): string[] {
  const { name, standby } = plan;
  const address = addressId(plan);
  const made = virtual.resource
    ? []
    : [
        `primitive ${address} ${ADDRESS_AGENT} params ${addressPairs(virtual).join(' ')} op monitor interval=10s`,
      ];
  if (standby) {
    return [
      ...made,
      `order ${name}-before-${address} Mandatory: ${name}-clone ${address}`,
      `colocation ${address}-with-${name} inf: ${address} ${name}-clone`,
    ];
  }
  const group = groupOf(plan);
  return [
    ...made,
    group === undefined ? `group ${name}-group ${address} ${name}` : `modgroup ${group} add ${name}`,
  ];
}

function addressId({ name, virtual }: Plan): string {
  return virtual?.resource ?? `${name}-ip`;
}

function groupOf({ virtual, cluster }: Plan): string | undefined {
  return cluster.addresses.find(({ id }) => id === virtual?.resource)?.group;
}

function addressPairs({ address, prefix, device }: VirtualAddress): string[] {
  // A host's prefix names no network, by which IPaddr2 would find the device.
  const isHost = prefix === (address.includes(':') ? 128 : 32);
  return [
    `ip=${address}`,
    `cidr_netmask=${prefix}`,
    ...(isHost || address.includes(':') ? [quotePair('nic', device)] : []),
  ];
}

/** pcs refuses a parameter without a value; the agent takes a blank for one. */
function blank(text: string): string {
  return text === '' ? ' ' : text;
}

/** The shell's words for lines that are to be at the end of a file. */
export function appendLines(path: string, lines: readonly string[]): string {
  return `printf '%s\\n' ${lines.map((line) => quoteForShell(line)).join(' ')} >> ${quoteForShell(path)}`;
}
