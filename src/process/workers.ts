import { readFileSync } from 'node:fs';
import type { Deadline } from '../lifetime/deadline.ts';
import { findProcesses, type Instance } from './instance.ts';
import { type ProcessStat, readStat } from './procfs.ts';
import { STOPPED_MS, stayingIn } from './staying.ts';

/** How long a process must stay uninterruptible before it is reported, ms: a healthy one is so for the blink of a disk. */
const UNINTERRUPTIBLE_MS = 1000;

/**
 * The processes of an instance besides the main one: its children and theirs, from
 * /proc/PID/task/PID/children (proc(5)); on a kernel that lacks that file, from the process table.
 */
export function findWorkers(main: ProcessStat, instance: Instance): ProcessStat[] {
  const children = readChildren(main.pid);
  if (!children) return findProcesses(instance).filter((process) => process.pid !== main.pid);
  return children.flatMap((pid) => {
    const worker = readStat(pid);
    return worker ? [worker, ...findWorkers(worker, instance)] : [];
  });
}

/**
 * The workers that stay stopped for 2 s, and those that stay in an uninterruptible wait for a second. One that is
 * traced (t: a debugger, gcore) is in the hands of a person, who lets it go on.
 */
export async function findStuck(
  workers: readonly ProcessStat[],
  deadline: Deadline,
): Promise<readonly ProcessStat[]> {
  const [stopped, waiting] = await Promise.all([
    stayingIn('T', workers, STOPPED_MS, deadline),
    stayingIn('D', workers, UNINTERRUPTIBLE_MS, deadline),
  ]);
  return [...stopped, ...waiting];
}

/** The pids of a process's children; undefined on a kernel that does not list them. */
export function readChildren(pid: number): number[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return text === '' ? [] : text.split(' ').map(Number);
  } catch {
    return undefined;
  }
}
