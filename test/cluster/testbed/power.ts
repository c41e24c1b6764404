import { readFileSync, rmSync } from 'node:fs';
import { until } from '../../support/instance.ts';
import { type Init, isAlive, type RunOptions, runInside } from './enter.ts';
import { script, UNSHARE } from './init.ts';

/** A node as far as its power and its cable go. */
export interface Machine {
  readonly testbed: Init;
  /** Its name is also its host name and that of its port at the bridge. */
  readonly name: string;
  readonly address: string;
}

/** How long a node may take to go on or off: it takes 0.1 s, but much more on a machine that is overloaded. ms */
const BOOT_MS = 60_000;

/** Where a file of a node's disk lies, seen from the machine; no part of the path may be a symbolic link. */
export function diskPath({ testbed, name }: Machine, path: string): string {
  return `/proc/${testbed.pid}/root/run/bed/${name}/${path}`;
}

/** Makes the node's disk over `root`: once, before its first boot. */
export async function makeDisk(machine: Machine, root: string): Promise<void> {
  await inTestbed(machine, [
    'sh',
    '-c',
    script('disk.sh'),
    'ocf-kamailio-disk',
    machine.name,
    process.execPath,
    root,
  ]);
}

/** The first process of a node that is on. */
export function runningInit(machine: Machine): Init | undefined {
  const [, pid, rest] = /^(\d+) \(.*\) (.*)\n$/s.exec(readQuietly(diskPath(machine, 'init'))) ?? [];
  // Without the first two of its fields: what remains begins with field 3.
  const init = { pid: Number(pid), startTime: rest?.split(' ')[19] ?? '' };
  return pid !== undefined && isAlive(init) ? init : undefined;
}

/** Turns a node on, with its cable in the bridge. No cluster is started. */
export async function powerOn(machine: Machine): Promise<void> {
  rmSync(diskPath(machine, 'init'), { force: true });
  const disk = `/run/bed/${machine.name}`;
  const boot = `setsid --fork "$@" 3>${disk}/init >>${disk}/console 2>&1`;
  const node = [...UNSHARE, 'sh', '-c', script('node.sh'), 'ocf-kamailio-node', machine.name];
  await inTestbed(machine, ['sh', '-c', boot, 'boot', ...node]);
  const isUp = () => runningInit(machine) !== undefined;
  await until(isUp, `${machine.name} is up`, BOOT_MS).catch((error: Error) => {
    throw new Error(`${error.message}; it says: ${readQuietly(diskPath(machine, 'console'))}`);
  });
  await plugIn(machine);
}

/** The node loses power. Returns when no process of it is left. */
export async function powerOff(machine: Machine): Promise<void> {
  const init = runningInit(machine);
  if (!init) return;
  process.kill(init.pid, 'SIGKILL');
  await until(() => !isAlive(init), `${machine.name} is off`, BOOT_MS);
}

/** Runs a program in the namespaces of the testbed, outside of the nodes; throws when it fails. */
export async function inTestbed(
  { testbed }: Machine,
  argv: readonly string[],
  options?: RunOptions,
): Promise<void> {
  const { code, stdout, stderr } = await runInside(testbed, argv, options);
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}: ${stdout}${stderr}`);
}

export function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not written yet, or gone.
    return '';
  }
}

async function plugIn(machine: Machine): Promise<void> {
  const init = runningInit(machine);
  if (!init) throw new Error(`${machine.name} went off while it booted`);
  // The kernel takes its time to remove the old one of a node that has just died.
  await runInside(machine.testbed, ['ip', 'link', 'delete', machine.name]);
  // By its path: iproute2 up to 6.14 takes a pid for one of its own namespace, later for one of the /proc that it sees.
  const peer = ['peer', 'name', 'eth0', 'netns', `/proc/${init.pid}/ns/net`];
  await inTestbed(machine, ['ip', 'link', 'add', machine.name, 'type', 'veth', ...peer]);
  await inTestbed(machine, ['ip', 'link', 'set', machine.name, 'master', 'bridge', 'up']);
  const address = `ip address add ${machine.address}/24 dev eth0 && ip link set eth0 up`;
  const { code, stderr } = await runInside(init, ['sh', '-c', address]);
  if (code !== 0) throw new Error(`${machine.name} gets no address: ${stderr}`);
}
