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
  const { path, known, pattern, cells } = require('node:worker_threads').workerData;
  const contents = new Set(known);
  while (Atomics.load(cells, 0) !== 2) {
    const demanded = Atomics.load(cells, 0) === 1;
    let index = 1;
    try {
      const found = readFileSync(path, 'latin1');
      if (!contents.has(found) && !pattern.test(found)) index = 3;
    } catch {
      index = 2;
    }
    // One look may have begun before the demand, or end after it.
    if (demanded && Atomics.load(cells, 0) === 1) {
      Atomics.add(cells, 1, 1);
      if (index > 1) Atomics.add(cells, index, 1);
    }
  }`;

/**
 * @param known whole contents that the file may have
 * @param pattern what other whole contents are like
 */
export function watchFile(path: string, known: readonly string[], pattern: RegExp): Watcher {
  const cells = new Int32Array(new SharedArrayBuffer(16));
  const worker = new Worker(SCRIPT, { eval: true, workerData: { path, known, pattern, cells } });
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
