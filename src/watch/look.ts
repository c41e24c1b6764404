import { closeSync, openSync, readSync } from 'node:fs';
import { refresh } from '../process/instance.ts';
import { type ProcessMark, type ProcessStat, readStat } from '../process/procfs.ts';

/** What a look at Kamailio's processes came to. */
export type Sight = { readonly alive: true } | { readonly alive: false; readonly seen: string };

/** Looks at a main process and its workers, cheaply enough to do so many times a second. */
export interface Look {
  now(): Sight;
  close(): void;
}

/** Enough for the pids of 1000 workers, bytes. */
const CHILDREN_BYTES = 8192;

/**
 * Opens a main process for looks. The list of its children is opened once and read again and again: one system call.
 * The descriptor belongs to this very process, whoever has its pid later. While the list says what it said at first,
 * the main process lives: the list is empty when it is gone, and loses each child that it has reaped. A main process
 * that hangs reaps nobody, so each look is also at one worker, in turn.
 *
 * A worker that dies takes Kamailio along: its main process ends the others. It may take long over that, or hang.
 */
export function openLook(main: ProcessMark): Look {
  const fd = openQuietly(`/proc/${main.pid}/task/${main.pid}/children`);
  const buffer = Buffer.alloc(CHILDREN_BYTES);
  const read = () => (fd === undefined ? '' : readQuietly(fd, buffer));
  const first = read();
  // Children that run another program are not workers: a module may have started one that ends by itself.
  const program = readStat(main.pid)?.name;
  const own = pidsIn(first)
    .flatMap((pid) => readStat(pid) ?? [])
    .filter(({ name }) => name === program)
    .map((worker) => ({ ...worker, fd: openQuietly(`/proc/${worker.pid}/stat`) }));
  const isDead = (worker: ProcessStat & { readonly fd: number | undefined }) =>
    worker.fd === undefined ? !refresh(worker) : /^$|\) [ZX] /.test(readQuietly(worker.fd, buffer));
  let healthy = first;
  let turn = 0;
  return {
    now: () => {
      const list = read();
      // A kernel without this list (CONFIG_PROC_CHILDREN), or a main process without children: it alone is looked at.
      turn = (turn + 1) % Math.max(own.length, 1);
      const isSame = list === healthy && list !== '';
      const inTurn = own[turn];
      if (isSame && !(inTurn && isDead(inTurn))) return ALIVE;
      if (!refresh(main)) return { alive: false, seen: `main process ${main.pid} is gone` };
      // The kernel may leave a living child out of a list that changes while it is read (proc(5)).
      const dead = own.filter(isDead);
      if (dead.length > 0 && fd !== undefined) return { alive: false, seen: describeDead(main, dead, own) };
      healthy = list;
      return ALIVE;
    },
    close: () => {
      for (const one of [fd, ...own.map((worker) => worker.fd)]) if (one !== undefined) closeSync(one);
    },
  };
}

const ALIVE: Sight = { alive: true };

function describeDead(main: ProcessMark, dead: readonly ProcessStat[], all: readonly ProcessStat[]): string {
  const some = dead.length === all.length ? 'all' : `${dead.length} of`;
  return `${some} ${all.length} workers of main process ${main.pid} died, which lives on`;
}

function pidsIn(list: string): number[] {
  return list
    .split(' ')
    .filter((word) => word !== '')
    .map(Number);
}

function openQuietly(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch {
    return undefined;
  }
}

function readQuietly(fd: number, buffer: Buffer): string {
  try {
    return buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, 0)).trim();
  } catch {
    return '';
  }
}
