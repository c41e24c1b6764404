import { address, optionalAddress } from './address.ts';
import * as values from './domains.ts';
import { DRAIN_PARAMETERS } from './drain-parameters.ts';
import { duration } from './duration.ts';
import { ENVIRONMENT } from './environment.ts';
import { EXTERNAL_TOOLS } from './external-tools.ts';
import { kamailioOptions } from './kamailio-options.ts';
import { row } from './parameter-row.ts';
import { PROBE_URI } from './probe-uri.ts';
import { STOP_PARAMETERS } from './stop-parameters.ts';
import { WATCH_PARAMETERS } from './watch-parameters.ts';

/** Stands for the instance's name in the default of `pidfile`. */
export const INSTANCE_MARK = 'INSTANCE';

/** Every parameter, in the order people read them. Names, types and defaults of the first thirteen are the established interface. */
export const PARAMETERS = {
  binary: row({
    type: 'string',
    default: '/usr/sbin/kamailio',
    parse: values.absolutePath,
    short: 'Kamailio executable',
    long: 'Absolute path of the Kamailio executable.',
  }),
  conffile: row({
    type: 'string',
    default: '/etc/kamailio/kamailio.cfg',
    parse: values.absolutePath,
    short: 'Configuration file',
    long: 'Absolute path of the configuration file. Instances that share a node each need a file of their own.',
  }),
  pidfile: row({
    type: 'string',
    default: `/var/run/kamailio_${INSTANCE_MARK}/kamailio.pid`,
    parse: values.absolutePath,
    uniqueGroup: 'pidfile',
    short: 'File with the process id',
    long: `Absolute path of the file with Kamailio's process id. It also names the instance: the processes that were started with "-P" and this path are the instance's, so it must be unique.

${INSTANCE_MARK} in the default stands for the name of the resource. The directory is made when it is missing, and given to kamuser. It must not be a symbolic link, and nobody but root and kamuser may write to it.`,
  }),
  monitoring_ip: row({
    type: 'string',
    default: '',
    parse: optionalAddress,
    reloadable: true,
    short: 'Address that is polled',
    long: 'IPv4 or IPv6 address that the monitor polls with SIP OPTIONS; a link-local one with its zone. Empty: listen_address.',
  }),
  listen_address: row({
    type: 'string',
    default: '',
    parse: address,
    required: true,
    uniqueGroup: 'socket',
    short: 'Address Kamailio listens on',
    long: `IPv4 or IPv6 address that Kamailio listens on, without a port. Host names are not looked up.

A link-local address has a zone, the interface: fe80::1%eth0. Kamailio takes none: it gets the address alone, and finds the interface by itself if kamailio.cfg has bind_ipv6_link_local=1. So only one interface may have that address.`,
  }),
  port: row({
    type: 'string',
    default: '5060',
    parse: values.port,
    uniqueGroup: 'socket',
    short: 'SIP port',
    long: 'Port that Kamailio listens on, 1 to 65535.',
  }),
  proto: row({
    type: 'string',
    default: 'udptcp',
    parse: values.proto,
    uniqueGroup: 'socket',
    short: 'SIP transports',
    long: `One of ${values.PROTOS.join(', ')}.

udp, tcp and udptcp hand Kamailio its sockets on the command line: listen_address and the loopback address, with port. With conf_udp, conf_tcp and conf_udptcp the listen lines of the configuration file hold; the part behind the underscore only says what is polled.

udp also gives Kamailio -T, as the shell agent does: it switches off all tcp and tls listen lines of the configuration file, without a word. validate-all and diagnose warn of such lines; conf_udp keeps them.`,
  }),
  ...EXTERNAL_TOOLS,
  kamctlrc: row({
    type: 'string',
    default: '/etc/kamailio/kamctlrc',
    parse: values.optionalPath,
    reloadable: true,
    short: "The instance's kamctlrc",
    long: `Absolute path of the control settings (kamctlrc) of this instance. The monitor asks Kamailio for its up-time through the FIFO named by RPCFIFOPATH in this file. Without that line: /var/run/kamailio/kamailio_rpc.fifo or /run/kamailio/kamailio_rpc.fifo, as kamctl does.

Kamailio replies into /tmp (behind CHROOT_DIR, if that is set here). If modparam("jsonrpcs", "fifo_reply_dir", "/DIRECTORY/") names another directory, write it here as RPCFIFOREPLYDIR=/DIRECTORY; kamctl ignores that line.

For a Kamailio that loads ctl and not jsonrpcs: RPCCTLSOCKET=/PATH names the stream socket of modparam("ctl", "binrpc", "unix:/PATH"), which is asked in place of the FIFO. kamctl ignores that line, too.

Every instance on a node can be checked this way when each has a kamctlrc of its own. Empty: the control plane is not checked. The file is read as data; nothing in it is executed.`,
  }),
  kamuser: row({
    type: 'string',
    default: '',
    parse: values.accountName,
    short: 'Account Kamailio runs as',
    long: `Account that Kamailio runs as. Empty: the account that calls the agent, which is root under Pacemaker.

Root starts Kamailio as this account by setpriv (util-linux), so no part of Kamailio runs as root. It must be able to read its configuration and keys, and cannot listen on a port below 1024. The limits and the umask of pacemaker.service hold for it (LimitNOFILE, UMask), not those that PAM gives a login (limits.conf, pam_umask).

Only processes of root, kamuser, or the owner of the pidfile or its directory count as the instance's. If kamailio.cfg changes the account itself, set kamuser too.`,
  }),
  kamgroup: row({
    type: 'string',
    default: '',
    parse: values.accountName,
    short: 'Group Kamailio runs as',
    long: "Group that Kamailio runs in. Empty: kamuser's own group. Without kamuser it is Kamailio's option -g alone.",
  }),
  extra_options: row({
    type: 'string',
    default: '',
    parse: kamailioOptions,
    short: 'More options for Kamailio',
    long: 'More options for the command line of Kamailio, split at blanks; quotes hold words together. Nothing is expanded or executed. Options that the agent sets itself (-P, -f) or that make Kamailio do something else than serve (-c, -h, -v, -V, -I, -D) are refused.',
  }),
  environment: ENVIRONMENT,
  monitor_tools: row({
    type: 'select',
    default: 'builtin',
    options: values.MONITOR_TOOLS,
    parse: values.monitorTools,
    reloadable: true,
    short: 'Clients that the monitor uses',
    long: "builtin: the agent's own SIP and RPC clients. external: sipsak and `kamctl monitor 1`, as the shell agent runs them; they must be installed, and sipsak polls udp and tcp only.",
  }),
  probes: row({
    type: 'string',
    default: '',
    parse: values.targets,
    reloadable: true,
    short: 'Sockets to poll',
    long: `What to poll instead of monitoring_ip, port and proto: a list of sockets as Kamailio's listen lines have them, separated by blanks or commas, for example "udp:192.0.2.10:5060 tls:[2001:db8::1]:5061". The transports are udp, tcp, tls, ws and wss; without a port it is 5060, for tls 5061, for ws 80, for wss 443. All are polled at the same time, and all have to answer.

ws and wss poll over a WebSocket (RFC 7118), which Kamailio serves on a tcp or tls socket for browsers. They may have a path: "wss:192.0.2.10:443/sip". sipsak polls neither.

none: SIP is not polled, for a Kamailio that answers none, such as sipcapture. A monitor then checks the main process, the control plane, that workers live and are not stopped, and that Kamailio listens on listen_address and port over what proto names.

Over tls and wss the certificate is not verified: one that strangers distrust is no outage. At check level 20 its expiry is looked at.`,
  }),
  probe_user: row({
    type: 'string',
    default: 'monitor',
    parse: values.sipUser,
    reloadable: true,
    short: 'User part of the polled URI',
    long: 'The monitor polls sip:USER@ADDRESS:PORT. Empty: it polls sip:ADDRESS:PORT, which the kamailio.cfg that comes with Kamailio answers as it is.',
  }),
  probe_uri: PROBE_URI,
  probe_timeout: row({
    type: 'integer',
    default: '5',
    parse: duration,
    reloadable: true,
    short: 'Time one poll may take (s)',
    long: 'Time that one poll may take, retransmissions included (over UDP after 0.5, 1.5, 3.5 s, and so on): seconds, or with a unit as Pacemaker takes it (5, 5s, 5000ms, 1min), from 1 s on. If the timeout of the operation is shorter, that holds.',
  }),
  probe_tries: row({
    type: 'integer',
    default: '1',
    parse: values.tries,
    reloadable: true,
    short: 'Tries before a failure',
    long: 'How often a monitor polls before it says that Kamailio has failed, 1 to 20. Each try takes probe_timeout at most, so that 3 tries of 5 s need a timeout of the monitor operation of 20 s or more; what does not fit into that timeout is not tried. One poll that is answered by any of them is healthy. With 1, a single slow poll costs a restart, and all calls. It also holds for the question over the control plane.',
  }),
  probe_tls_cert: row({
    type: 'string',
    default: '',
    parse: values.optionalPath,
    reloadable: true,
    short: 'Client certificate for polls over TLS',
    long: 'Absolute path of a certificate (PEM) that a poll over tls or wss shows to a Kamailio that asks for one (require_certificate=yes). Needs probe_tls_key. Empty: none is shown.',
  }),
  probe_tls_key: row({
    type: 'string',
    default: '',
    parse: values.optionalPath,
    reloadable: true,
    short: 'Key of the client certificate',
    long: 'Absolute path of the private key (PEM) of probe_tls_cert.',
  }),
  ...STOP_PARAMETERS,
  ...DRAIN_PARAMETERS,
  ...WATCH_PARAMETERS,
} as const;

export type ParameterName = keyof typeof PARAMETERS;

/** The parsed parameters, by their names. */
export type Params = {
  readonly [Name in ParameterName]: ReturnType<(typeof PARAMETERS)[Name]['parse']>;
};

/** The names in the order of the table. */
export const PARAMETER_NAMES = Object.keys(PARAMETERS) as readonly ParameterName[];
