import * as assert from 'uvu/assert';
import { SERVICE_ADDRESS } from './testbed/configuration.ts';
import { ADDRESS_RESOURCE, createKamailio, KAMAILIO, SERVICE_PARAMS } from './testbed/kamailio.ts';
import { AGENT_PATH, type TestbedNode } from './testbed/node.ts';
import { cloneXml, primitiveXml } from './testbed/resources.ts';
import { clusterSuite } from './testbed/suite.ts';

const { test, run } = clusterSuite('diagnose');

interface Finding {
  readonly check: string;
  readonly verdict: string;
  readonly seen: string;
  readonly remedy?: string;
}

/** What diagnose finds in the cluster's half, those checks that are named. */
async function findings(node: TestbedNode, ...checks: string[]): Promise<Finding[]> {
  const { stdout } = await node.run([AGENT_PATH, 'diagnose', KAMAILIO, '--output=json']);
  const report: { readonly findings: readonly Finding[] } = JSON.parse(stdout);
  return report.findings.filter(({ check, verdict }) => checks.includes(check) && verdict !== 'ok');
}

/** Runs every command that the remedies quote. */
async function runRemedies(node: TestbedNode, found: readonly Finding[]): Promise<void> {
  for (const { remedy = '' } of found)
    for (const [, command = ''] of remedy.matchAll(/`((?:pcs|crm_resource|systemctl) [^`]+)`/g))
      await node.mustRun(['sh', '-ec', command]);
}

test('operations and address that are wrong are found, the remedies are run, and are gone', async (testbed) => {
  const node = testbed.node(1);
  await testbed.createResource(
    primitiveXml({
      id: ADDRESS_RESOURCE,
      type: 'IPaddr2',
      params: { ip: SERVICE_ADDRESS, cidr_netmask: '24', nic: 'eth0' },
      operations: [{ name: 'monitor', interval: 10, timeout: 60 }],
    }),
  );
  await testbed.createResource(
    primitiveXml({
      id: KAMAILIO,
      type: 'kamailio',
      params: {
        listen_address: SERVICE_ADDRESS,
        kamuser: 'kamailio',
        kamgroup: 'kamailio',
        stop_grace: '25',
      },
      meta: { 'target-role': 'Stopped' },
      operations: [
        { name: 'start', interval: 0, timeout: 10 },
        { name: 'stop', interval: 0, timeout: 20 },
      ],
    }),
  );
  const found = await findings(node, 'operations', 'address');
  const seen = found.map((one) => one.seen).join('\n');
  assert.match(seen, /no monitor recurs/);
  assert.match(seen, /start has a timeout of 10 s; 60 s are suggested/);
  assert.match(seen, /stop has a timeout of 20 s, and stop_grace takes 25 s of it/);
  assert.match(seen, /nothing keeps sip_ip .* on the node of kamailio/);
  assert.match(seen, /nothing orders sip_ip .* before kamailio/);
  await runRemedies(node, found);
  assert.equal(await findings(node, 'operations', 'address'), []);
});

test('an address that no resource of the cluster has is found, and the remedy makes one', async (testbed) => {
  const node = testbed.node(1);
  await testbed.createResource(
    primitiveXml({
      id: KAMAILIO,
      type: 'kamailio',
      params: { listen_address: SERVICE_ADDRESS, kamuser: 'kamailio', kamgroup: 'kamailio' },
      meta: { 'target-role': 'Stopped' },
    }),
  );
  const found = await findings(node, 'address');
  assert.match(found[0]?.seen ?? '', /no IPaddr2 of this cluster has listen_address 192\.0\.2\.10/);
  await runRemedies(node, found);
  assert.equal(await findings(node, 'address'), []);
});

test("a failed monitor is shown from another node with node, time, code and Kamailio's reason, until it is cleaned up", async (testbed) => {
  await createKamailio(testbed, { monitorInterval: 1 });
  const node = await testbed.untilRunning(KAMAILIO);
  const other = testbed.nodes.find((one) => one !== node) ?? node;
  const main = (await node.mustRun(['cat', `/run/kamailio_${KAMAILIO}/kamailio.pid`])).trim();
  await node.mustRun(['kill', '-KILL', main]);
  await testbed.waitFor(async () => (await testbed.state()).failures.length > 0, 'the cluster has seen it');
  await testbed.settle();
  const found = await findings(other, 'history');
  const seen = found.map((one) => one.seen).join('\n');
  assert.match(seen, new RegExp(`${node.name}, \\d{4}-\\d\\d-\\d\\dT[\\d:]+Z: monitor ended with [17]: `));
  assert.match(seen, /fail count of monitor is 1/);
  await runRemedies(other, found);
  await testbed.settle();
  await testbed.waitFor(async () => (await findings(other, 'history')).length === 0, 'it is forgotten');
});

test('memory of /etc/default/kamailio and an enabled unit beside the cluster are found', async (testbed) => {
  const node = testbed.node(1);
  await createKamailio(testbed, { params: { listen_address: '127.0.0.1' }, wait: false });
  const unit = '/etc/systemd/system/multi-user.target.wants/kamailio.service';
  const before = (await node.read('/etc/default/kamailio')) ?? '';
  try {
    await node.write('/etc/default/kamailio', 'SHM_MEMORY=128\n');
    await node.mustRun([
      'sh',
      '-ec',
      `mkdir -p $(dirname ${unit}); ln -sf /lib/systemd/system/kamailio.service ${unit}`,
    ]);
    const found = await findings(node, 'this node');
    const seen = found.map((one) => one.seen).join('\n');
    assert.match(seen, /kamailio\.service: is enabled/);
    assert.match(seen, /SHM_MEMORY=128/);
    await node.mustRun(['rm', unit]);
    await runRemedies(
      node,
      found.filter(({ seen: text }) => text.includes('SHM_MEMORY')),
    );
    assert.equal(await findings(node, 'this node'), []);
  } finally {
    await node.write('/etc/default/kamailio', before);
    await node.run(['rm', '-f', unit]);
  }
});

test('another agent on one of the nodes is found, and is gone when it is installed there and the remedy is run', async (testbed) => {
  const member = primitiveXml({
    id: KAMAILIO,
    type: 'kamailio',
    params: { ...SERVICE_PARAMS, listen_address: '127.0.0.1' },
    operations: [{ name: 'monitor', interval: 10, timeout: 60 }],
  });
  const [node, , other] = testbed.nodes;
  if (!node || !other) throw new Error('the testbed has three nodes');
  // Pacemaker keeps what it has once read of an agent.
  await other.stopCluster();
  await other.useAgent('shell');
  await other.startCluster();
  await testbed.untilOnline();
  await testbed.createResource(cloneXml('kamailio-clone', member, {}));
  const started = async () =>
    (await testbed.state()).resources.filter(({ id, role }) => id === KAMAILIO && role === 'Started').length;
  await testbed.waitFor(async () => (await started()) === 3, 'each node has its Kamailio');
  await testbed.settle();
  const found = await findings(node, 'versions');
  assert.match(
    found.map((one) => one.seen).join('\n'),
    new RegExp(`the agent differs between nodes.*that of ${other.name} has no reload-agent`),
  );
  await other.useAgent('ours');
  await runRemedies(node, found);
  await testbed.settle();
  assert.equal(await findings(node, 'versions'), []);
});

run();
