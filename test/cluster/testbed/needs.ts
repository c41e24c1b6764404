import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { UNSHARE } from './init.ts';

/** What a testbed calls, and the package that brings it. */
const PROGRAMS: Readonly<Record<string, string>> = {
  '/usr/sbin/corosync': 'corosync',
  '/usr/sbin/pacemakerd': 'pacemaker',
  '/usr/sbin/crm_mon': 'pacemaker-cli-utils',
  '/usr/lib/ocf/resource.d/heartbeat/IPaddr2': 'resource-agents',
  '/usr/sbin/kamailio': 'kamailio',
  '/usr/bin/sipsak': 'sipsak',
  '/usr/bin/nsenter': 'util-linux',
  '/usr/bin/pgrep': 'procps',
};

/** Tries what a testbed does first: namespaces, a bridge, a layer over the root. */
const TRIAL = `
set -e
mount -t tmpfs trial /run
mkdir /run/upper /run/work /run/root
mount -t overlay -o lowerdir=/,upperdir=/run/upper,workdir=/run/work overlay /run/root
test -x /run/root/usr/sbin/corosync
ip link add bridge type bridge
ip link add node type veth peer name eth0
`;

/** Why this machine can have no testbed, in words; undefined when it can. */
export function whyNoTestbed(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can make namespaces';
  const missing = Object.entries(PROGRAMS).flatMap(([path, name]) => (existsSync(path) ? [] : [name]));
  if (missing.length > 0) return `not installed: ${missing.join(' ')}`;
  const [file, ...args] = [...UNSHARE, 'sh', '-c', TRIAL];
  const { status, stderr } = spawnSync(file, args, {
    encoding: 'utf8',
    timeout: 30_000,
    killSignal: 'SIGKILL',
  });
  return status === 0 ? undefined : `this machine allows no namespaces of one's own: ${stderr.trim()}`;
}
