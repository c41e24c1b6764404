import { readFileSync } from 'node:fs';
import { findProcesses, type Instance, isStopped, refresh } from './instance.ts';
import { type ProcessStat, readStat } from './procfs.ts';

/** How long a process must stay uninterruptible before it is told, ms: a healthy one is so for the blink of a disk. */
const UNINTERRUPTIBLE_MS = 1000;
const LOOK_EVERY_MS = 100;

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

/** The workers that are stopped (SIGSTOP, a debugger), and those that stay in an uninterruptible wait for a second. */
export async function findStuck(workers: readonly ProcessStat[]): Promise<ProcessStat[]> {
  const stopped = workers.filter(isStopped);
  let waiting = workers.filter(({ state }) => state === 'D');
  for (let waited = 0; waiting.length > 0 && waited < UNINTERRUPTIBLE_MS; waited += LOOK_EVERY_MS) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    waiting = waiting.flatMap((worker) => refresh(worker) ?? []).filter(({ state }) => state === 'D');
  }
  return [...stopped, ...waiting];
}

function readChildren(pid: number): number[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return text === '' ? [] : text.split(' ').map(Number);
  } catch {
    return undefined;
  }
}
