import { Worker } from 'node:worker_threads';

/** Reads a file beside the test, again and again while it is demanded, as a cluster that calls the agent would. */
export interface Watcher {
  /** From now on every look must find one of the known contents. */
  demand(): void;
  /** Looks since `demand` that found nothing, or a part; from now on nothing is demanded. */
  release(): { readonly looks: number; readonly missing: number; readonly broken: number };
  end(): Promise<void>;
}

/** What the first cell says. */
const NOTHING_DEMANDED = 0;
const DEMANDED = 1;
const ENDED = 2;

const SCRIPT = `
  const { readFileSync } = require('node:fs');
  const { path, known, pattern, cells } = require('node:worker_threads').workerData;
  const contents = new Set(known);
  for (;;) {
    Atomics.wait(cells, 0, ${NOTHING_DEMANDED});
    const said = Atomics.load(cells, 0);
    if (said === ${ENDED}) break;
    // A demand that was over before this thread woke.
    if (said !== ${DEMANDED}) continue;
    let index = 1;
    try {
      const found = readFileSync(path, 'latin1');
      if (!contents.has(found) && !pattern.test(found)) index = 3;
    } catch {
      index = 2;
    }
    // The look may have ended after the demand.
    if (Atomics.load(cells, 0) === ${DEMANDED}) {
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
  const tell = (what: number) => {
    Atomics.store(cells, 0, what);
    Atomics.notify(cells, 0);
  };
  return {
    demand: () => {
      for (const index of [1, 2, 3]) Atomics.store(cells, index, 0);
      tell(DEMANDED);
    },
    release: () => {
      tell(NOTHING_DEMANDED);
      const count = (index: number) => Atomics.load(cells, index);
      return { looks: count(1), missing: count(2), broken: count(3) };
    },
    end: async () => {
      tell(ENDED);
      await new Promise((resolve) => worker.once('exit', resolve));
    },
  };
}
