import * as assert from 'uvu/assert';
import { blockOf } from '../support/page.ts';
import { SERVICE_ADDRESS } from './testbed/configuration.ts';
import { ADDRESS_RESOURCE, KAMAILIO } from './testbed/kamailio.ts';
import type { TestbedNode } from './testbed/node.ts';
import { clusterSuite } from './testbed/suite.ts';
import type { Testbed } from './testbed/testbed.ts';

const { test, run } = clusterSuite('hot standby');

/** A block of commands of the page, word for word: the one that begins so. */
const commands = (beginning: string) => blockOf('hot-standby.md', beginning);

async function follow(node: TestbedNode, beginning: string): Promise<void> {
  // Each pcs takes seconds on a busy machine.
  await node.mustRun(['sh', '-ec', commands(beginning)], { timeoutMs: 300_000 });
}

async function places(testbed: Testbed): Promise<string[]> {
  const { resources } = await testbed.state();
  return resources
    .filter(({ id, role, active }) => id === KAMAILIO && role === 'Started' && active)
    .flatMap(({ nodes }) => nodes);
}

async function setUp(testbed: Testbed, tool: 'pcs' | 'crm'): Promise<TestbedNode> {
  for (const node of testbed.nodes) await follow(node, 'echo net.ipv4');
  await follow(testbed.node(1), tool === 'pcs' ? 'pcs resource create' : 'crm configure');
  await untilReady(testbed);
  return testbed.untilRunning(ADDRESS_RESOURCE);
}

/** Kamailio is on every node, and the service answers. */
async function untilReady(testbed: Testbed): Promise<void> {
  await testbed.waitFor(
    async () => (await places(testbed)).length === testbed.nodes.length,
    'Kamailio is on every node',
  );
  await testbed.waitFor(() => testbed.answers(SERVICE_ADDRESS), 'the service answers');
  await testbed.settle();
}

/** pids of the Kamailio on each node, but for one on which a failure must not touch them. */
async function othersOf(testbed: Testbed, failing?: TestbedNode): Promise<string> {
  const others = testbed.nodes.filter(({ name }) => name !== failing?.name);
  const pids = await Promise.all(others.map((node) => node.mustRun(['pgrep', '-x', 'kamailio'])));
  return pids.join();
}

/** The address alone leaves a node and comes back: no watcher holds that against Kamailio. */
async function takeAwayAndGiveBack(testbed: Testbed, active: TestbedNode): Promise<TestbedNode> {
  const kamailios = await othersOf(testbed);
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
  assert.is(await othersOf(testbed), kamailios, 'every Kamailio goes on');
  return testbed.untilRunning(ADDRESS_RESOURCE);
}

for (const tool of ['pcs', 'crm'] as const) {
  test(`the page's commands for ${tool} make a hot standby: crash, hang and a planned move are taken over by Kamailios that run`, async (testbed) => {
    let active = await setUp(testbed, tool);
    assert.equal((await testbed.state()).failures, []);
    active = await takeAwayAndGiveBack(testbed, active);
    for (const failure of ['kill -KILL', 'kill -STOP']) {
      const others = await othersOf(testbed, active);
      await follow(active, failure);
      const next = await testbed.untilRunning(ADDRESS_RESOURCE, active);
      await testbed.waitFor(() => testbed.answers(SERVICE_ADDRESS), 'the service answers again');
      assert.is(await othersOf(testbed, active), others, 'no other Kamailio was started or stopped for it');
      await untilReady(testbed);
      assert.is(
        (await testbed.untilRunning(ADDRESS_RESOURCE)).name,
        next.name,
        'the address stays where it is',
      );
      active = next;
    }
    const [on = '', off = ''] = commands('crm_standby').split('\n');
    await active.mustRun(['sh', '-ec', on]);
    const next = await testbed.untilRunning(ADDRESS_RESOURCE, active);
    await testbed.waitFor(() => testbed.answers(SERVICE_ADDRESS), 'the service answers after the move');
    await active.mustRun(['sh', '-ec', off]);
    await untilReady(testbed);
    assert.is((await testbed.untilRunning(ADDRESS_RESOURCE)).name, next.name);
    for (const node of testbed.nodes)
      assert.is(
        (await node.mustRun(['pgrep', '-f', '^ocf-watcher: '])).trim().split('\n').length,
        1,
        node.name,
      );
  });
}

run();
