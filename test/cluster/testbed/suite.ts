import { suite } from 'uvu';
import { whyNoTestbed } from './needs.ts';
import { openTestbed, type TestbedOptions } from './open.ts';
import type { Testbed } from './testbed.ts';

/** The tests of one file, with one testbed for all of them. */
export interface ClusterSuite {
  /** A test; the testbed is clean when it begins. */
  test(name: string, body: (testbed: Testbed) => Promise<void>): void;
  /** A test that cannot be made here; the output says why. */
  skip(name: string, why: string): void;
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
  const skip = (title: string, reason: string) => {
    console.log(`skipped: ${title}: ${reason}`);
    tests.skip(title);
  };
  return {
    skip,
    test: (title, body) => {
      if (why === undefined) {
        tests(title, async () => {
          if (!testbed) throw new Error('the testbed was not opened');
          await body(testbed);
        });
      } else {
        skip(title, why);
      }
    },
    run: () => tests.run(),
  };
}
