import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { listPids } from '../../../src/process/procfs.ts';
import type { Init } from './enter.ts';

const KINDS = ['pid', 'mnt', 'net', 'ipc', 'uts'] as const;

/** The namespaces of a process, such as `net:[4026532281]`; none when it is gone. */
export function namespacesOf(pid: number): string[] {
  return KINDS.flatMap((kind) => {
    try {
      return [readlinkSync(`/proc/${pid}/ns/${kind}`)];
    } catch {
      return [];
    }
  });
}

/** The namespaces that the processes of a testbed and its nodes have for themselves. */
export function namespacesOfTestbed(inits: readonly Init[]): ReadonlySet<string> {
  const own = new Set(namespacesOf(process.pid));
  return new Set(inits.flatMap(({ pid }) => namespacesOf(pid)).filter((name) => !own.has(name)));
}

/**
 * What is left on this machine of beds with these namespaces: processes in them, files that hold them, and what
 * should never have been outside of them. Empty when all is well. `pids` are those that are looked at: the kernel gives the
 * name of a namespace that is gone to a new one, such as that of a suite that has begun since.
 */
export function tracesOf(namespaces: ReadonlySet<string>, pids: readonly number[] = listPids()): string[] {
  const processes = pids.filter((pid) => namespacesOf(pid).some((name) => namespaces.has(name)));
  const held = pids.flatMap((pid) => heldBy(pid).filter((name) => namespaces.has(name)));
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const links = readdirSync('/sys/class/net').filter((name) => /^(bridge|node\d+)$/.test(name));
  return [
    ...processes.map((pid) => `process ${pid}: ${readQuietly(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')}`),
    ...held.map((name) => `an open file on ${name}`),
    ...mounts.filter((line) => line.includes('/run/bed') || holdsAny(line, namespaces)),
    ...links.map((name) => `link ${name}`),
    ...['/run/bed', '/var/log/pacemaker/pacemakerd.out'].filter((path) => existsSync(path)),
  ];
}

function holdsAny(line: string, namespaces: ReadonlySet<string>): boolean {
  return [...namespaces].some((name) => line.includes(name));
}

function heldBy(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  } catch {
    // Gone between two looks.
    return [];
  }
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
