import { suite } from 'uvu';
import type { Bed } from '../bed/bed.ts';
import { KAMAILIO } from '../bed/kamailio.ts';
import { whyNoBed } from '../bed/needs.ts';
import { openBed } from '../bed/open.ts';
import { createService } from './configuration.ts';
import type { Fault } from './fault.ts';
import { take } from './take.ts';

/** Only faults whose name matches: FAULT='pidfile|FIFO' npm test -- faults. */
const ONLY = new RegExp(process.env.FAULT ?? '');

/** Takes one service in one bed through all faults, one after the other; each is a test of its own. */
export function faultSuite(name: string, faults: readonly Fault[]): void {
  const tests = suite(name);
  const why = whyNoBed();
  let bed: Bed | undefined;
  let isSound = false;
  tests.before(async () => {
    if (why === undefined) bed = await openBed();
  });
  tests.after(async () => {
    await bed?.close();
  });
  for (const fault of faults.filter(({ broken }) => ONLY.test(broken))) {
    if (why !== undefined) {
      console.log(`skipped: ${fault.broken}: ${why}`);
      tests.skip(fault.broken);
      continue;
    }
    tests(fault.broken, async () => {
      if (!bed) throw new Error('the bed was not opened');
      if (!isSound) await begin(bed);
      // What a failed row leaves is no start for the next one.
      isSound = false;
      const startedAt = performance.now();
      await take(bed, fault);
      isSound = true;
      console.log(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(5)} s  ${fault.broken}`);
    });
  }
  tests.run();
}

async function begin(bed: Bed): Promise<void> {
  if ((await bed.state()).resources.some(({ id }) => id === KAMAILIO)) await bed.cleanUp();
  await createService(bed);
}
