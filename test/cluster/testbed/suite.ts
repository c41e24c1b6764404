import { suite } from 'uvu';
import { whyNoTestbed } from './needs.ts';
import { openTestbed, type TestbedOptions } from './open.ts';
import type { Testbed } from './testbed.ts';

/** The tests of one file, with one testbed for all of them. */
export interface ClusterSuite {
  /** A test; the testbed is clean when it begins. */
  test(name: string, body: (testbed: Testbed) => Promise<void>): void;
  /** Runs the tests; to be called once, at the end of the file. */
  run(): void;
}

/** Makes a suite whose tests run in a cluster; they are skipped, and say why, where the machine can have none. */
export function clusterSuite(name: string, options?: TestbedOptions): ClusterSuite {
  const tests = suite(name);
  const why = whyNoTestbed(options?.root);
  let testbed: Testbed | undefined;
  let isUsed = false;
  tests.before(async () => {
    if (why === undefined) testbed = await openTestbed(options);
  });
  tests.before.each(async () => {
    if (isUsed) await testbed?.cleanUp();
    isUsed = true;
  });
  tests.after(async () => {
    await testbed?.close();
  });
  return {
    test: (title, body) => {
      if (why === undefined) {
        tests(title, async () => {
          if (!testbed) throw new Error('the testbed was not opened');
          await body(testbed);
        });
      } else {
        console.log(`skipped: ${title}: ${why}`);
        tests.skip(title);
      }
    },
    run: () => tests.run(),
  };
}
