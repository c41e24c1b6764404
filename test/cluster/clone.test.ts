import * as assert from 'uvu/assert';
import type { Bed } from './bed/bed.ts';
import { exampleFile, KAMAILIO } from './bed/kamailio.ts';
import { cloneXml, primitiveXml } from './bed/resources.ts';
import { clusterSuite } from './bed/suite.ts';

const { test, run } = clusterSuite('clone');

async function places(bed: Bed): Promise<string[]> {
  const { resources } = await bed.state();
  const started = resources.filter(({ id, role, active }) => id === KAMAILIO && role === 'Started' && active);
  return started.flatMap(({ nodes }) => nodes).sort();
}

async function createClone(bed: Bed): Promise<void> {
  // Each node has an address of its own in its file; what all share is the loopback address that is polled.
  for (const node of bed.nodes) {
    const sockets = `listen=udp:${node.address}:5060\nlisten=udp:127.0.0.1:5060\n`;
    const config = exampleFile('kamailio.cfg').replace('request_route', () => `${sockets}request_route`);
    await node.write('/etc/kamailio/kamailio.cfg', config);
  }
  const member = primitiveXml({
    id: KAMAILIO,
    type: 'kamailio',
    params: { listen_address: '127.0.0.1', proto: 'conf_udp', kamuser: 'kamailio', kamgroup: 'kamailio' },
    operations: [
      { name: 'start', interval: 0, timeout: 60 },
      { name: 'stop', interval: 0, timeout: 30 },
      { name: 'monitor', interval: 2, timeout: 30 },
    ],
  });
  await bed.createResource(cloneXml('kamailio-clone', member, { 'clone-max': '2', 'clone-node-max': '1' }));
  await bed.waitFor(async () => (await places(bed)).length === 2, 'both instances run');
  await bed.settle();
}

/** Addresses of the nodes that a poll from outside is answered at. */
async function answering(bed: Bed): Promise<string[]> {
  const names: string[] = [];
  for (const { name, address } of bed.nodes) if (await bed.answers(address)) names.push(name);
  return names;
}

test('two instances of a clone run on two of three nodes, and the third takes over from one that dies', async (bed) => {
  await createClone(bed);
  const before = await places(bed);
  assert.is(new Set(before).size, 2);
  assert.equal(await answering(bed), before);
  const [dying = '', staying = ''] = before;
  await bed.node(dying).kill();
  const spare = bed.nodes.find(({ name }) => !before.includes(name))?.name ?? '';
  await bed.waitFor(
    async () => (await places(bed)).join() === [staying, spare].sort().join(),
    'the spare node takes over',
  );
  await bed.settle();
  assert.equal(await answering(bed), [staying, spare].sort());
  assert.equal((await bed.state()).failures, []);
});

test('a crash of one instance is recovered where it was, and the other instance is left alone', async (bed) => {
  await createClone(bed);
  const before = await places(bed);
  const [crashing, other] = before.map((name) => bed.node(name));
  assert.ok(crashing && other);
  const pids = async (node: typeof other) => (await node.run(['pgrep', '-x', 'kamailio'])).stdout;
  const untouched = await pids(other);
  assert.match(untouched, /^\d+\n/);
  const crashed = await pids(crashing);
  await crashing.mustRun(['kill', '-KILL', ...crashed.trim().split('\n')]);
  await bed.waitFor(async () => (await bed.state()).failures.length === 1, 'the monitor has seen it');
  await bed.waitFor(async () => (await places(bed)).join() === before.join(), 'both run again');
  await bed.settle();
  assert.equal(await answering(bed), before);
  assert.is(await pids(other), untouched);
  assert.is((await bed.state()).failures[0]?.code, 7, 'nothing of it was left');
});

run();
