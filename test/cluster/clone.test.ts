import * as assert from 'uvu/assert';
import { exampleFile, KAMAILIO, kamailioOperations } from './testbed/kamailio.ts';
import { cloneXml, primitiveXml } from './testbed/resources.ts';
import { clusterSuite } from './testbed/suite.ts';
import type { Testbed } from './testbed/testbed.ts';

const { test, run } = clusterSuite('clone');

async function places(testbed: Testbed): Promise<string[]> {
  const { resources } = await testbed.state();
  const started = resources.filter(({ id, role, active }) => id === KAMAILIO && role === 'Started' && active);
  return started.flatMap(({ nodes }) => nodes).sort();
}

async function createClone(testbed: Testbed): Promise<void> {
  // Each node has an address of its own in its file; what all share is the loopback address that is polled.
  for (const node of testbed.nodes) {
    const sockets = `listen=udp:${node.address}:5060\nlisten=udp:127.0.0.1:5060\n`;
    const config = exampleFile('kamailio.cfg').replace('request_route', () => `${sockets}request_route`);
    await node.write('/etc/kamailio/kamailio.cfg', config);
  }
  const member = primitiveXml({
    id: KAMAILIO,
    type: 'kamailio',
    params: { listen_address: '127.0.0.1', proto: 'conf_udp', kamuser: 'kamailio', kamgroup: 'kamailio' },
    operations: kamailioOperations(2),
  });
  await testbed.createResource(
    cloneXml('kamailio-clone', member, { 'clone-max': '2', 'clone-node-max': '1' }),
  );
  await testbed.waitFor(async () => (await places(testbed)).length === 2, 'both instances run');
  await testbed.settle();
}

/** Addresses of the nodes that a poll from outside is answered at. */
async function answering(testbed: Testbed): Promise<string[]> {
  const names: string[] = [];
  for (const { name, address } of testbed.nodes) if (await testbed.answers(address)) names.push(name);
  return names;
}

test('two instances of a clone run on two of three nodes, and the third takes over from one that dies', async (testbed) => {
  await createClone(testbed);
  const before = await places(testbed);
  assert.is(new Set(before).size, 2);
  assert.equal(await answering(testbed), before);
  const [dying = '', staying = ''] = before;
  await testbed.node(dying).kill();
  const spare = testbed.nodes.find(({ name }) => !before.includes(name))?.name ?? '';
  await testbed.waitFor(
    async () => (await places(testbed)).join() === [staying, spare].sort().join(),
    'the spare node takes over',
  );
  await testbed.settle();
  assert.equal(await answering(testbed), [staying, spare].sort());
  assert.equal((await testbed.state()).failures, []);
});

test('a crash of one instance is recovered where it was, and the other instance is left alone', async (testbed) => {
  await createClone(testbed);
  const before = await places(testbed);
  const [crashing, other] = before.map((name) => testbed.node(name));
  assert.ok(crashing && other);
  const pids = async (node: typeof other) => (await node.run(['pgrep', '-x', 'kamailio'])).stdout;
  const untouched = await pids(other);
  assert.match(untouched, /^\d+\n/);
  const crashed = await pids(crashing);
  await crashing.mustRun(['kill', '-KILL', ...crashed.trim().split('\n')]);
  await testbed.waitFor(async () => (await testbed.state()).failures.length === 1, 'the monitor has seen it');
  await testbed.waitFor(async () => (await places(testbed)).join() === before.join(), 'both run again');
  await testbed.settle();
  assert.equal(await answering(testbed), before);
  assert.is(await pids(other), untouched);
  assert.is((await testbed.state()).failures[0]?.code, 7, 'nothing of it was left');
});

run();
