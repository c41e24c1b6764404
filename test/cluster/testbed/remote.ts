import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestbedNode } from './node.ts';
import type { Testbed } from './testbed.ts';

/** What a Pacemaker remote node runs in place of corosync and pacemakerd. */
const DAEMON = 'usr/sbin/pacemaker-remoted';
/** Debian's package of it cannot be installed beside pacemaker, so it is unpacked here, and kept for the next run. */
const UNPACKED = fileURLToPath(new URL('../../../dist/trial/pacemaker-remote/', import.meta.url));

/** The program, from the package source of this machine; undefined if that does not have it. */
export function obtainDaemon(): string | undefined {
  const path = join(UNPACKED, DAEMON);
  if (existsSync(path)) return path;
  const download = mkdtempSync(join(tmpdir(), 'ocf-kamailio-remote-'));
  try {
    // apt's own account cannot write here otherwise, and says so.
    chmodSync(download, 0o777);
    const script = 'apt-get -q download pacemaker-remote && dpkg-deb --extract pacemaker-remote_*.deb "$1"';
    mkdirSync(UNPACKED, { recursive: true });
    const { status } = spawnSync('sh', ['-ec', script, 'sh', UNPACKED], { cwd: download, stdio: 'ignore' });
    return status === 0 && existsSync(path) ? path : undefined;
  } finally {
    rmSync(download, { recursive: true, force: true });
  }
}

/**
 * Makes a node of the testbed a Pacemaker remote node, which the others call `name`. It leaves the cluster as a full one.
 * After `endRemote` its own cluster can be started again.
 */
export async function makeRemote(
  testbed: Testbed,
  node: TestbedNode,
  name: string,
  daemon: string,
): Promise<void> {
  await node.stopCluster();
  copyFileSync(daemon, join(node.diskRoot, DAEMON));
  for (const { diskRoot } of testbed.nodes) {
    mkdirSync(join(diskRoot, 'etc/pacemaker'), { recursive: true });
    // Each daemon that connects must read it, and nobody guards anything here.
    writeFileSync(join(diskRoot, 'etc/pacemaker/authkey'), 'a key of the testbed', { mode: 0o644 });
  }
  await node.mustRun(['sh', '-c', 'setsid --fork pacemaker-remoted >>/var/log/remoted 2>&1 </dev/null']);
  const resource = `<primitive id="${name}" class="ocf" provider="pacemaker" type="remote"><instance_attributes id="${name}-params"><nvpair id="${name}-server" name="server" value="${node.address}"/></instance_attributes><operations><op id="${name}-monitor" name="monitor" interval="10s" timeout="60s"/></operations></primitive>`;
  await testbed.createResource(resource);
  await testbed.waitFor(
    async () => (await testbed.state()).nodes.some((one) => one.name === name && one.online),
    'the remote node is online',
  );
}

/** Ends the daemon; the resources must be gone already. */
export async function endRemote(testbed: Testbed, node: TestbedNode): Promise<void> {
  const pids = async () =>
    (await node.run(['pgrep', '-x', 'pacemaker-remot'])).stdout.split('\n').filter(Boolean);
  for (const pid of await pids()) await node.run(['kill', '-TERM', pid]);
  await testbed.waitFor(async () => (await pids()).length === 0, 'pacemaker-remoted has ended');
}
