import * as assert from 'uvu/assert';
import { failOver, makeHotStandby } from '../cluster/hot-standby.ts';
import { kamailios, mainPid, reports, strike, untilReported, watchers } from '../cluster/on-node.ts';
import { KAMAILIO } from '../cluster/testbed/kamailio.ts';
import type { Testbed } from '../cluster/testbed/testbed.ts';
import { assertRuns, untilRestarted } from './cluster-runs.ts';

/** s; far longer than the checks take: what is recovered was reported by the watcher. */
const RARE_MONITOR_S = 600;

/** A crash is recovered at once, by one report. */
export async function report(testbed: Testbed): Promise<void> {
  await testbed.cleanUp();
  await testbed.createKamailio({ params: { watch: 'sip' }, monitorInterval: RARE_MONITOR_S });
  const node = await testbed.untilRunning(KAMAILIO);
  await testbed.waitFor(async () => (await watchers(node)).length === 1, 'the watcher runs');
  const [pid, before] = [await mainPid(node), reports(node).length];
  await strike(node, 'KILL');
  await untilRestarted(testbed, pid);
  await untilReported(testbed, node, before);
  await testbed.command(['crm_resource', '--cleanup', '--resource', KAMAILIO]);
  await assertRuns(testbed);
}

/** A stop that is wanted is not reported. Begins with the watcher that `report` leaves. */
export async function disable(testbed: Testbed): Promise<void> {
  const node = await testbed.untilRunning(KAMAILIO);
  await testbed.waitFor(async () => (await watchers(node)).length === 1, 'the watcher runs');
  const before = reports(node).length;
  await node.mustRun(['pcs', 'resource', 'disable', KAMAILIO]);
  await testbed.settle();
  assert.not(await testbed.answers());
  assert.equal(await kamailios(node), []);
  assert.equal(await watchers(node), []);
  assert.is(reports(node).length, before);
  assert.equal((await testbed.state()).failures, []);
}

/** In the page's hot standby a Kamailio that runs takes over. */
export async function standBy(testbed: Testbed): Promise<void> {
  await testbed.cleanUp();
  const first = await makeHotStandby(testbed, 'pcs');
  const second = await failOver(testbed, first, 'kill -KILL', 'by a clean-up');
  await failOver(testbed, second, 'kill -STOP', 'by a clean-up');
}
