import * as assert from 'uvu/assert';
import { SERVICE_ADDRESS } from './testbed/configuration.ts';
import { KAMAILIO, kamailioOperations } from './testbed/kamailio.ts';
import { cloneXml, primitiveXml } from './testbed/resources.ts';
import { clusterSuite } from './testbed/suite.ts';
import type { Testbed } from './testbed/testbed.ts';

const { test, run } = clusterSuite('standby');

async function places(testbed: Testbed, id: string): Promise<string[]> {
  const { resources } = await testbed.state();
  const started = resources.filter((one) => one.id === id && one.role === 'Started' && one.active);
  return started.flatMap(({ nodes }) => nodes).sort();
}

/** Kamailio on every node, listening on the service's address, which one of them has. */
async function createStandby(testbed: Testbed): Promise<void> {
  for (const node of testbed.nodes) await node.mustRun(['sysctl', '-qw', 'net.ipv4.ip_nonlocal_bind=1']);
  const member = primitiveXml({
    id: KAMAILIO,
    type: 'kamailio',
    params: { listen_address: SERVICE_ADDRESS, kamuser: 'kamailio', kamgroup: 'kamailio' },
    operations: kamailioOperations(2),
  });
  await testbed.createResource(cloneXml('kamailio-clone', member));
  await testbed.waitFor(
    async () => (await places(testbed, KAMAILIO)).length === testbed.nodes.length,
    'Kamailio runs on every node, also without the address',
  );
  await testbed.createResource(
    primitiveXml({
      id: 'sip_ip',
      type: 'IPaddr2',
      params: { ip: SERVICE_ADDRESS, cidr_netmask: '24', nic: 'eth0' },
    }),
  );
  await testbed.waitFor(async () => (await places(testbed, 'sip_ip')).length === 1, 'the address is up');
  await testbed.settle();
}

test('a hung standby behind a virtual address is not healthy because the node with the address answers', async (testbed) => {
  await createStandby(testbed);
  assert.equal((await testbed.state()).failures, []);
  const [active = ''] = await places(testbed, 'sip_ip');
  const standby = testbed.nodes.find(({ name }) => name !== active);
  assert.ok(standby);
  const main = (await standby.read(`/var/run/kamailio_${KAMAILIO}/kamailio.pid`))?.trim() ?? '';
  const workers = (await standby.mustRun(['pgrep', '-P', main])).trim().split('\n');
  await standby.mustRun(['kill', '-STOP', ...workers]);
  const failed = await testbed.waitFor(
    async () => (await testbed.state()).failures.find(({ node }) => node === standby.name),
    'the monitor of the standby fails',
  );
  assert.match(failed.reason, /not healthy: udp:127\.0\.0\.1:5060: no answer/);
  await testbed.waitFor(
    async () => (await places(testbed, KAMAILIO)).length === testbed.nodes.length,
    'the standby is recovered',
  );
  await testbed.settle();
  assert.equal(await places(testbed, 'sip_ip'), [active], 'the address did not move');
  assert.ok(await testbed.answers());
});

run();
