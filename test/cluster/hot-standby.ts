import * as assert from 'uvu/assert';
import { blockOf } from '../support/page.ts';
import { kamailios } from './on-node.ts';
import { SERVICE_ADDRESS } from './testbed/configuration.ts';
import { ADDRESS_RESOURCE, KAMAILIO } from './testbed/kamailio.ts';
import type { TestbedNode } from './testbed/node.ts';
import type { Testbed } from './testbed/testbed.ts';

/** A block of commands of the page of hot standby, word for word: the one that begins so. */
export function commands(beginning: string): string {
  return blockOf('hot-standby.md', beginning);
}

/** Runs such a block on a node. */
export async function follow(node: TestbedNode, beginning: string): Promise<void> {
  // Each pcs takes seconds on a busy machine.
  await node.mustRun(['sh', '-ec', commands(beginning)], { timeoutMs: 300_000 });
}

/** Makes the page's hot standby in an empty cluster. Returns the node that has the address. */
export async function makeHotStandby(testbed: Testbed, tool: 'pcs' | 'crm'): Promise<TestbedNode> {
  for (const node of testbed.nodes) await follow(node, 'echo net.ipv4');
  await follow(testbed.node(1), tool === 'pcs' ? 'pcs resource create' : 'crm configure');
  await untilReady(testbed);
  assert.equal((await testbed.state()).failures, []);
  return testbed.untilRunning(ADDRESS_RESOURCE);
}

/** Kamailio is on every node, and the service answers. */
export async function untilReady(testbed: Testbed): Promise<void> {
  await testbed.waitFor(
    async () => (await places(testbed)).length === testbed.nodes.length,
    'Kamailio is on every node',
  );
  await testbed.waitFor(() => testbed.answers(SERVICE_ADDRESS), 'the service answers');
  await testbed.settle();
}

/**
 * Brings about a failure on the node that has the address, by the page's command that begins so. A Kamailio that runs
 * takes over, and no other is touched. The failed one comes back as a standby: by itself after the page's
 * failure-timeout, or at once by a clean-up. Returns the node that has the address.
 */
export async function failOver(
  testbed: Testbed,
  active: TestbedNode,
  failure: 'kill -KILL' | 'kill -STOP',
  comesBack: 'by itself' | 'by a clean-up',
): Promise<TestbedNode> {
  const others = await othersOf(testbed, active);
  await follow(active, failure);
  const next = await testbed.untilRunning(ADDRESS_RESOURCE, active);
  await testbed.waitFor(() => testbed.answers(SERVICE_ADDRESS), 'the service answers again');
  assert.is(await othersOf(testbed, active), others, 'no other Kamailio was started or stopped for it');
  if (comesBack === 'by a clean-up')
    await testbed.command(['crm_resource', '--cleanup', '--resource', KAMAILIO]);
  await untilReady(testbed);
  assert.is((await testbed.untilRunning(ADDRESS_RESOURCE)).name, next.name, 'the address stays where it is');
  return next;
}

/** pids of the Kamailio on each node, but for one on which a failure must not touch them. */
export async function othersOf(testbed: Testbed, failing?: TestbedNode): Promise<string> {
  const others = testbed.nodes.filter(({ name }) => name !== failing?.name);
  const pids = await Promise.all(others.map(kamailios));
  assert.ok(pids.every((some) => some.length > 0));
  return pids.join(' ');
}

async function places(testbed: Testbed): Promise<string[]> {
  const { resources } = await testbed.state();
  return resources
    .filter(({ id, role, active }) => id === KAMAILIO && role === 'Started' && active)
    .flatMap(({ nodes }) => nodes);
}
