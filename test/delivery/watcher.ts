import { Worker } from 'node:worker_threads';

/** Reads a file again and again beside the test, as a cluster that calls the agent would. */
export interface Watcher {
  /** From now on every look must find one of the known contents. */
  demand(): void;
  /** Looks since `demand` that found nothing, or a part; from now on nothing is demanded. */
  release(): { readonly looks: number; readonly missing: number; readonly broken: number };
  end(): Promise<void>;
}

const SCRIPT = `
  const { readFileSync } = require('node:fs');
  const { path, known, cells } = require('node:worker_threads').workerData;
  const contents = new Set(known);
  while (Atomics.load(cells, 0) !== 2) {
    const demanded = Atomics.load(cells, 0) === 1;
    let index = 1;
    try {
      if (!contents.has(readFileSync(path, 'latin1'))) index = 3;
    } catch {
      index = 2;
    }
    // One look may have begun before the demand, or end after it.
    if (demanded && Atomics.load(cells, 0) === 1) {
      Atomics.add(cells, 1, 1);
      if (index > 1) Atomics.add(cells, index, 1);
    }
  }`;

/** @param known whole contents that the file may have */
export function watchFile(path: string, known: readonly string[]): Watcher {
  const cells = new Int32Array(new SharedArrayBuffer(16));
  const worker = new Worker(SCRIPT, { eval: true, workerData: { path, known, cells } });
  return {
    demand: () => {
      for (const index of [1, 2, 3]) Atomics.store(cells, index, 0);
      Atomics.store(cells, 0, 1);
    },
    release: () => {
      Atomics.store(cells, 0, 0);
      const count = (index: number) => Atomics.load(cells, index);
      return { looks: count(1), missing: count(2), broken: count(3) };
    },
    end: async () => {
      Atomics.store(cells, 0, 2);
      await new Promise((resolve) => worker.once('exit', resolve));
    },
  };
}
