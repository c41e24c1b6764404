import type { Problem } from '../failure/failure.ts';
import { POLL_ROUTE } from '../metadata/texts.ts';
import type { VirtualAddress } from './addresses.ts';
import type { ClusterView } from './cluster.ts';
import { appendLines, clusterCommands } from './commands.ts';
import type { FoundControlPlane } from './control-plane.ts';
import type { ParameterTexts } from './parameters.ts';
import { answersAsItIs } from './parameters.ts';
import { quoteForShell } from './quote.ts';
import type { FoundSocket } from './sockets.ts';
import { type FoundUnit, shortUnitName } from './unit.ts';

/** One step on the way into the cluster: why, and what to paste. */
export interface Step {
  readonly why: string;
  /** Commands for a shell. */
  readonly commands: readonly string[];
  /** Lines for kamailio.cfg. */
  readonly configuration?: string;
}

/** What is known when the steps are made. */
export interface Basis {
  readonly name: string;
  readonly params: ParameterTexts;
  readonly conffile: string;
  readonly polled: readonly FoundSocket[];
  readonly control: FoundControlPlane;
  readonly unit: FoundUnit | undefined;
  readonly virtual: VirtualAddress | undefined;
  readonly cluster: ClusterView;
  readonly standby: boolean;
  readonly tool: 'pcs' | 'crm';
}

/** The steps, in the order in which they are to be done. */
export function makeSteps(basis: Basis): Step[] {
  return [
    ...inConfiguration(basis),
    ...inKamctlrc(basis),
    ...standbySettings(basis),
    ...fromOthers(basis),
    ...inCluster(basis),
  ];
}

/** What does not travel with the resource, or has to be known before. */
export function makeNotes(
  { unit, virtual, polled, params }: Basis,
  notPolled: readonly FoundSocket[],
): Problem[] {
  const elsewhere = params.probes !== undefined && !virtual;
  return [
    ...(unit?.settings ?? []).map((line) => ({
      where: unit?.name ?? '',
      seen: `${line} reaches Kamailio through the unit, and no resource carries it`,
      remedy: /^(Limit|Nice|IO|CPU|OOM|Memory|Tasks|Ambient|Capab|UMask)/.test(line)
        ? 'put it into a drop-in of pacemaker.service, or into kamailio.cfg'
        : 'put it into kamailio.cfg or extra_options, if Kamailio needs it',
    })),
    ...(virtual ? [{ where: virtual.address, seen: `taken for a virtual address: ${virtual.why}` }] : []),
    ...(elsewhere && polled.some(({ target }) => !target.address.startsWith('127.'))
      ? [
          {
            where: 'probes',
            seen: 'names addresses of this node alone',
            remedy:
              'on nodes with other addresses set it by a rule, or leave it out: then listen_address is polled',
          },
        ]
      : []),
    ...notPolled.map(({ target }) => ({
      where: `${target.transport}:${target.address}:${target.port}`,
      seen: 'does not answer SIP over udp, tcp or tls, and is not polled',
    })),
  ];
}

function inConfiguration({ polled, conffile, control }: Basis): Step[] {
  const poll: Step[] =
    polled.length > 0 && answersAsItIs(polled)
      ? []
      : [
          {
            why: `${conffile} answers OPTIONS neither with the user "monitor" nor without: add this, on each node, then restart Kamailio`,
            commands: [],
            configuration: POLL_ROUTE,
          },
        ];
  if (control.answering) return poll;
  return [
    ...poll,
    {
      why: 'this Kamailio offers no control FIFO that answers, so kamctlrc is empty and the control plane is not checked; to have it checked, add this and call suggest again after a restart',
      commands: [],
      configuration: `loadmodule "jsonrpcs.so"\nmodparam("jsonrpcs", "fifo_name", "/run/kamailio-cluster/kamailio_rpc.fifo")`,
    },
  ];
}

function inKamctlrc({ control: { answering, kamctlrc, lines } }: Basis): Step[] {
  if (lines.length === 0) return [];
  return [{ why: `on each node, ${answering}`, commands: [appendLines(kamctlrc, lines)] }];
}

function standbySettings({ standby, virtual }: Basis): Step[] {
  if (!standby || !virtual) return [];
  const name = virtual.address.includes(':') ? 'net.ipv6.ip_nonlocal_bind' : 'net.ipv4.ip_nonlocal_bind';
  return [
    {
      why: 'on each node: a standby listens on an address that another node has',
      commands: [
        `printf '%s\\n' '${name} = 1' > /etc/sysctl.d/90-kamailio.conf && sysctl -p /etc/sysctl.d/90-kamailio.conf`,
      ],
    },
  ];
}

/** Two masters of one Kamailio restart it behind each other's back. */
function fromOthers({ unit, virtual, cluster, tool }: Basis): Step[] {
  const service = unit && shortUnitName(unit.name);
  const resource = cluster.units.find((one) => one.unit === service)?.id;
  return [
    ...(resource
      ? [
          {
            why: 'the cluster runs it as a service of systemd; this stops it',
            commands:
              tool === 'pcs'
                ? [`pcs resource delete ${resource}`]
                : [`crm resource stop ${resource}`, `crm --wait configure delete ${resource}`],
          },
        ]
      : []),
    ...(service && (!resource || unit.enabled)
      ? [
          {
            why: 'on each node: systemd would restart it, and start it at boot, beside the cluster; this stops it here',
            commands: [`systemctl disable --now ${quoteForShell(service)}`],
          },
        ]
      : []),
    ...(virtual?.byKeepalived
      ? [
          {
            why: `on each node: keepalived moves ${virtual.address}, which is the cluster's from now on; if it has other addresses, take this one out of keepalived.conf instead`,
            commands: ['systemctl disable --now keepalived'],
          },
        ]
      : []),
  ];
}

function inCluster({ name, params, virtual, standby, cluster, tool }: Basis): Step[] {
  return [
    { why: 'on one node', commands: clusterCommands({ name, params, virtual, standby, cluster }, tool) },
  ];
}
