import {
  type ExitCode,
  OCF_DEGRADED,
  OCF_ERR_ARGS,
  OCF_ERR_CONFIGURED,
  OCF_ERR_GENERIC,
  OCF_ERR_INSTALLED,
  OCF_ERR_PERM,
  OCF_ERR_UNIMPLEMENTED,
  OCF_NOT_RUNNING,
  OCF_SUCCESS,
} from '../ocf/exit-code.ts';

/** What the man page says beyond the tables of parameters and actions. */

/** Each exit code, in the order of the numbers: its name, when the agent returns it, and what the cluster does with it. */
export const EXIT_CODES: readonly {
  readonly code: ExitCode;
  readonly name: string;
  readonly text: string;
}[] = [
  { code: OCF_SUCCESS, name: 'OCF_SUCCESS', text: 'The action did what it says.' },
  {
    code: OCF_ERR_GENERIC,
    name: 'OCF_ERR_GENERIC',
    text: 'Kamailio runs but is not healthy, start or stop did not get there, or the state is undecided. The cluster recovers the resource; after a failed stop it fences the node.',
  },
  {
    code: OCF_ERR_ARGS,
    name: 'OCF_ERR_ARGS',
    text: 'Start and validate-all only: right in itself, but not on this node: Kamailio rejects its configuration file, or an account is unknown. The cluster tries other nodes.',
  },
  {
    code: OCF_ERR_UNIMPLEMENTED,
    name: 'OCF_ERR_UNIMPLEMENTED',
    text: 'The agent does not have this action.',
  },
  {
    code: OCF_ERR_PERM,
    name: 'OCF_ERR_PERM',
    text: 'Never from a monitor: a permission is missing: root is needed, or the directory of the pidfile is unsafe or not ours. The cluster tries other nodes.',
  },
  {
    code: OCF_ERR_INSTALLED,
    name: 'OCF_ERR_INSTALLED',
    text: 'Start and validate-all only: missing on this node: the binary, the configuration file, kamctlrc, or an external tool. The cluster tries other nodes.',
  },
  {
    code: OCF_ERR_CONFIGURED,
    name: 'OCF_ERR_CONFIGURED',
    text: 'Start and validate-all only: wrong on every node: a required parameter is missing, or a value is outside its domain. The cluster stops the resource and tries no other node.',
  },
  {
    code: OCF_NOT_RUNNING,
    name: 'OCF_NOT_RUNNING',
    text: 'Monitor only: no process of the instance is left, whatever else is wrong. The cluster may start it, on any node.',
  },
  {
    code: OCF_DEGRADED,
    name: 'OCF_DEGRADED',
    text: 'Monitor only: it works, but an operator drains it (probe_drained), something predicts a failure (check level 20), or a part could not be checked because a parameter, or a file or program that it names, is unusable. Shown by the cluster, not recovered.',
  },
];

export const CRM_EXAMPLE = `crm configure primitive p_kamailio ocf:heartbeat:kamailio \\
    params listen_address=192.0.2.10 kamuser=kamailio kamgroup=kamailio \\
    op start timeout=60s interval=0 op stop timeout=30s interval=0 \\
    op monitor interval=10s timeout=30s`;

export const PCS_EXAMPLE = `pcs resource create p_kamailio ocf:heartbeat:kamailio \\
    listen_address=192.0.2.10 kamuser=kamailio kamgroup=kamailio \\
    op start timeout=60s op stop timeout=30s \\
    op monitor interval=10s timeout=30s`;

/** Paths that an administrator meets, and what each holds. */
export const FILES: readonly (readonly [string, string])[] = [
  ['/usr/lib/ocf/resource.d/heartbeat/kamailio', 'The agent, where Pacemaker looks for it.'],
  [
    '/usr/sbin/ocf-kamailio',
    'The same under a name for people, as the packages install it: `ocf-kamailio diagnose p_kamailio`.',
  ],
  ['/etc/kamailio/kamailio.cfg', 'Configuration file of Kamailio; parameter conffile.'],
  ['/etc/kamailio/kamctlrc', 'Control settings, read as data; parameter kamctlrc.'],
  [
    '/var/run/kamailio_INSTANCE/kamailio.pid',
    'Process id of the instance, INSTANCE being the name of the resource; parameter pidfile.',
  ],
  ['/run/kamailio-cluster/kamailio_rpc.fifo', 'FIFO of the control plane; RPCFIFOPATH in kamctlrc.'],
  [
    '/tmp/kamailio_ocf_spare_*',
    'FIFO for the replies of the control plane, one an instance: a start leaves it, so that monitors need not make one, and a stop removes it. With CHROOT_DIR in kamctlrc it is in the tmp of that directory, with RPCFIFOREPLYDIR in that directory.',
  ],
  [
    '/tmp/kamailio_ocf_PIDFILE_PID_TIME_*',
    'FIFO for one reply, while an agent with this process id and start time waits for it; PIDFILE is the end of the path of the pidfile. What a killed agent leaves goes with the next start or stop.',
  ],
  [
    '/run/kamailio_ocf_home_PID_TIME_*',
    'Home of kamctl while it runs for an agent with this process id and start time (monitor_tools=external).',
  ],
  [
    '/run/ocf-kamailio',
    'Which process watches which instance (parameter watch), and which account kamailio.cfg sets that kamuser does not name. Only root can write there, and the agent removes it with the last file.',
  ],
];

/** Where the packages install the pages for people, and what each answers. */
export const PAGES: readonly (readonly [string, string])[] = [
  ['operation.md', 'What a monitor checks, and what each exit code makes the cluster do.'],
  ['hot-standby.md', 'Kamailio ready on every node, and only the address moves.'],
  ['maintenance.md', 'A node is taken out of service, and no call is cut.'],
  ['troubleshooting.md', 'What a reason means, and what to do.'],
  ['moving-over.md', 'From the shell agent to this one, and back.'],
  ['measurements.md', 'Speed, outages and growth beside the shell agent.'],
  ['development.md', 'Build, suites, and a cluster on one machine.'],
];

/** Man pages by name and section. */
export const SEE_ALSO: readonly (readonly [string, string])[] = [
  ['crm', '8'],
  ['crm_resource', '8'],
  ['kamailio', '8'],
  ['kamailio.cfg', '5'],
  ['kamctl', '8'],
  ['pacemakerd', '8'],
  ['pcs', '8'],
];
