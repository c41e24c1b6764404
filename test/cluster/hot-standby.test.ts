import * as assert from 'uvu/assert';
import { commands, failOver, makeHotStandby, othersOf, untilReady } from './hot-standby.ts';
import { watchers } from './on-node.ts';
import { SERVICE_ADDRESS } from './testbed/configuration.ts';
import { ADDRESS_RESOURCE } from './testbed/kamailio.ts';
import type { TestbedNode } from './testbed/node.ts';
import { clusterSuite } from './testbed/suite.ts';
import type { Testbed } from './testbed/testbed.ts';

const { test, run } = clusterSuite('hot standby');

/** The address alone leaves a node and comes back: no watcher holds that against Kamailio. */
async function takeAwayAndGiveBack(testbed: Testbed, active: TestbedNode): Promise<TestbedNode> {
  const before = await othersOf(testbed);
  const move = (node: TestbedNode) =>
    testbed.command(['crm_resource', '--resource', ADDRESS_RESOURCE, '--move', '--node', node.name]);
  const other = testbed.nodes.find(({ name }) => name !== active.name);
  assert.ok(other);
  for (const [to, from] of [
    [other, active],
    [active, other],
  ] as const) {
    await move(to);
    await testbed.untilRunning(ADDRESS_RESOURCE, from);
    await testbed.waitFor(() => testbed.answers(SERVICE_ADDRESS), 'the service answers');
    await testbed.settle();
  }
  await testbed.command(['crm_resource', '--resource', ADDRESS_RESOURCE, '--clear']);
  await testbed.settle();
  assert.equal((await testbed.state()).failures, []);
  assert.is(await othersOf(testbed), before, 'every Kamailio goes on');
  return testbed.untilRunning(ADDRESS_RESOURCE);
}

for (const tool of ['pcs', 'crm'] as const) {
  test(`the page's commands for ${tool} make a hot standby: crash, hang and a planned move are taken over by Kamailios that run`, async (testbed) => {
    let active = await makeHotStandby(testbed, tool);
    active = await takeAwayAndGiveBack(testbed, active);
    // To wait for the page's failure-timeout once is enough.
    active = await failOver(testbed, active, 'kill -KILL', tool === 'pcs' ? 'by itself' : 'by a clean-up');
    active = await failOver(testbed, active, 'kill -STOP', 'by a clean-up');
    const [on = '', off = ''] = commands('crm_standby').split('\n');
    await active.mustRun(['sh', '-ec', on]);
    const next = await testbed.untilRunning(ADDRESS_RESOURCE, active);
    await testbed.waitFor(() => testbed.answers(SERVICE_ADDRESS), 'the service answers after the move');
    await active.mustRun(['sh', '-ec', off]);
    await untilReady(testbed);
    assert.is((await testbed.untilRunning(ADDRESS_RESOURCE)).name, next.name);
    for (const node of testbed.nodes) assert.is((await watchers(node)).length, 1, node.name);
  });
}

run();
