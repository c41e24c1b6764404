import * as assert from 'uvu/assert';
import { mainPid } from '../cluster/on-node.ts';
import { KAMAILIO } from '../cluster/testbed/kamailio.ts';
import type { Testbed } from '../cluster/testbed/testbed.ts';

/** Throws unless the service answers, and nothing is noted as failed. */
export async function assertRuns(testbed: Testbed): Promise<void> {
  await testbed.untilRunning(KAMAILIO);
  await testbed.settle();
  assert.ok(await testbed.answers(), 'it answers');
  assert.equal((await testbed.state()).failures, []);
}

/** Children of a main process that was killed go on to answer: what counts is another main process. */
export async function untilRestarted(testbed: Testbed, pid: string): Promise<void> {
  const hasOther = async () => {
    const now = await mainPid(await testbed.untilRunning(KAMAILIO));
    return /^\d+$/.test(now) && now !== pid;
  };
  await testbed.waitFor(hasOther, 'it was started again');
  await testbed.settle();
}
