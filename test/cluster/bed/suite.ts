import { suite } from 'uvu';
import type { Bed } from './bed.ts';
import { whyNoBed } from './needs.ts';
import { type BedOptions, openBed } from './open.ts';

/** The tests of one file, with one bed for all of them. */
export interface ClusterSuite {
  /** A test; the bed is clean when it begins. */
  test(name: string, body: (bed: Bed) => Promise<void>): void;
  /** Runs the tests; to be called once, at the end of the file. */
  run(): void;
}

/** Makes a suite whose tests run in a cluster; they are skipped, and say why, where the machine can have none. */
export function clusterSuite(name: string, options?: BedOptions): ClusterSuite {
  const tests = suite(name);
  const why = whyNoBed();
  let bed: Bed | undefined;
  let isUsed = false;
  tests.before(async () => {
    if (why === undefined) bed = await openBed(options);
  });
  tests.before.each(async () => {
    if (isUsed) await bed?.cleanUp();
    isUsed = true;
  });
  tests.after(async () => {
    await bed?.close();
  });
  return {
    test: (title, body) => {
      if (why === undefined) {
        tests(title, async () => {
          if (!bed) throw new Error('the bed was not opened');
          await body(bed);
        });
      } else {
        console.log(`skipped: ${title}: ${why}`);
        tests.skip(title);
      }
    },
    run: () => tests.run(),
  };
}
