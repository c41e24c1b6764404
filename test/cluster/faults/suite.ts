import { suite } from 'uvu';
import { KAMAILIO } from '../testbed/kamailio.ts';
import { whyNoTestbed } from '../testbed/needs.ts';
import { openTestbed } from '../testbed/open.ts';
import type { Testbed } from '../testbed/testbed.ts';
import { createService } from './configuration.ts';
import type { Fault } from './fault.ts';
import { take } from './take.ts';

/** Only faults whose name matches: FAULT='pidfile|FIFO' npm test -- faults. */
const ONLY = new RegExp(process.env.FAULT ?? '');

/** Takes one service in one testbed through all faults, one after the other; each is a test of its own. */
export function faultSuite(name: string, faults: readonly Fault[]): void {
  const tests = suite(name);
  const why = whyNoTestbed();
  let testbed: Testbed | undefined;
  let isSound = false;
  tests.before(async () => {
    if (why === undefined) testbed = await openTestbed();
  });
  tests.after(async () => {
    await testbed?.close();
  });
  for (const fault of faults.filter(({ broken }) => ONLY.test(broken))) {
    if (why !== undefined) {
      console.log(`skipped: ${fault.broken}: ${why}`);
      tests.skip(fault.broken);
      continue;
    }
    tests(fault.broken, async () => {
      if (!testbed) throw new Error('the testbed was not opened');
      if (!isSound) await begin(testbed);
      // What a failed row leaves is no start for the next one.
      isSound = false;
      const startedAt = performance.now();
      await take(testbed, fault);
      isSound = true;
      console.log(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(5)} s  ${fault.broken}`);
    });
  }
  tests.run();
}

async function begin(testbed: Testbed): Promise<void> {
  if ((await testbed.state()).resources.some(({ id }) => id === KAMAILIO)) await testbed.cleanUp();
  await createService(testbed);
}
