import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { releaseRoot } from '../../releases/root.ts';
import { UNSHARE } from './init.ts';

/** What the nodes of a testbed call, and the package that brings it. */
const PROGRAMS_OF_NODES: Readonly<Record<string, string>> = {
  '/usr/sbin/corosync': 'corosync',
  '/usr/sbin/pacemakerd': 'pacemaker',
  '/usr/sbin/crm_mon': 'pacemaker-cli-utils',
  '/usr/lib/ocf/resource.d/heartbeat/IPaddr2': 'resource-agents',
  '/usr/sbin/kamailio': 'kamailio',
  '/usr/bin/pgrep': 'procps',
};

/** What the machine around them calls. */
const PROGRAMS_OF_MACHINE: Readonly<Record<string, string>> = {
  '/usr/bin/sipsak': 'sipsak',
  '/usr/bin/nsenter': 'util-linux',
};

/** Tries what a testbed does first: namespaces, a bridge, a layer over the root. */
const TRIAL = `
set -e
mount -t tmpfs trial /run
mkdir /run/upper /run/work /run/root
mount -t overlay -o lowerdir="$1",upperdir=/run/upper,workdir=/run/work overlay /run/root
test -x /run/root/usr/sbin/corosync
ip link add bridge type bridge
ip link add node type veth peer name eth0
`;

/**
 * What the nodes of a testbed run: the machine's own root, or that of the release in TESTBED_RELEASE, so that each
 * suite can be tried on each release.
 */
export function rootOfNodes(): string {
  const release = process.env.TESTBED_RELEASE;
  return release ? releaseRoot(release) : '/';
}

/** Why this machine can have no testbed whose nodes run `root`, in words; undefined when it can. */
export function whyNoTestbed(root = rootOfNodes()): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can make namespaces';
  const missing = [...missingIn(root, PROGRAMS_OF_NODES), ...missingIn('/', PROGRAMS_OF_MACHINE)];
  if (missing.length > 0) return `not installed: ${missing.join(' ')}`;
  const [file, ...args] = [...UNSHARE, 'sh', '-c', TRIAL, 'trial', root];
  const { status, stderr } = spawnSync(file, args, {
    encoding: 'utf8',
    timeout: 30_000,
    killSignal: 'SIGKILL',
  });
  return status === 0 ? undefined : `this machine allows no namespaces of one's own: ${stderr.trim()}`;
}

/** Packages of those programs that this root lacks. */
function missingIn(root: string, programs: Readonly<Record<string, string>>): string[] {
  return Object.entries(programs).flatMap(([path, name]) => (existsSync(join(root, path)) ? [] : [name]));
}
