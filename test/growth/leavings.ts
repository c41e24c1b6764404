import { existsSync, globSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { type TestInstance, until } from '../support/instance.ts';
import { processesNaming } from '../support/processes.ts';

/** What monitors may leave behind: how many of each there are. */
export interface Leavings {
  /** In the instance's directory, where the agent's environment has its logs as well. */
  readonly files: number;
  /** FIFOs for replies, of any instance: see `settled`. */
  readonly fifos: number;
  /** That the processes of the instance hold open. */
  readonly descriptors: number;
  /** That have the instance's directory on their command line or in their environment. */
  readonly processes: number;
  /** Bytes of all files in the instance's directory: logs, and what was captured of stdout and stderr. */
  readonly bytes: number;
}

/** Counts what is there, once the FIFOs of monitors that run beside this one (of other suites, say) are gone. */
export async function countLeavings(instance: TestInstance, before: ReadonlySet<string>): Promise<Leavings> {
  const files = globSync(`${instance.directory}/**`, { withFileTypes: true }).filter(
    (file) => !file.isDirectory(),
  );
  return {
    files: files.length,
    fifos: (await settled(before)).length,
    descriptors: instance.pids().reduce((sum, pid) => sum + listQuietly(`/proc/${pid}/fd`).length, 0),
    processes: new Set([...processesNaming(instance.pidfile).keys(), ...agentsOf(instance)]).size,
    bytes: files.reduce((sum, { parentPath, name }) => sum + sizeOf(`${parentPath}/${name}`), 0),
  };
}

/** The FIFOs for replies that are in /tmp now: the builtin client's, and kamctl's. */
export function replyFifos(): Set<string> {
  return new Set(readdirSync('/tmp').filter((name) => /^kamailio_(ocf|receiver)_/.test(name)));
}

/** Those that are new and stay: one that a monitor needs at this moment is gone in the next. */
async function settled(before: ReadonlySet<string>): Promise<string[]> {
  let left = [...replyFifos()].filter((name) => !before.has(name));
  const gone = () => {
    left = left.filter((name) => existsSync(`/tmp/${name}`));
    return left.length === 0;
  };
  await until(gone, 'the FIFOs of other monitors are gone', 10_000).catch(() => {});
  return left;
}

function agentsOf({ directory }: TestInstance): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => readQuietly(`/proc/${pid}/environ`).includes(`${directory}/`))
    .map(Number);
}

function listQuietly(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
