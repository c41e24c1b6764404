import * as assert from 'uvu/assert';
import { SERVICE_ADDRESS } from './testbed/configuration.ts';
import { exampleFile } from './testbed/kamailio.ts';
import type { TestbedNode } from './testbed/node.ts';
import { clusterSuite } from './testbed/suite.ts';
import type { Testbed } from './testbed/testbed.ts';

const { test, run } = clusterSuite('suggest');

const AGENT = '/usr/lib/ocf/resource.d/heartbeat/kamailio';
const ADD_ADDRESS = ['ip', 'address', 'replace', `${SERVICE_ADDRESS}/24`, 'dev', 'eth0'];

/** Starts a Kamailio by hand as Debian's unit does, with these words more. */
async function startByHand(node: TestbedNode, ...words: string[]): Promise<string> {
  const [user, pidfile] = ['kamailio', '/run/kamailio/kamailio.pid'];
  await node.mustRun(['install', '-d', '-o', user, '-g', user, '-m', '770', '/run/kamailio']);
  const change = ['setpriv', '--reuid', user, '--regid', user, '--init-groups', '--'];
  const command = ['/usr/sbin/kamailio', '-P', pidfile, '-f', '/etc/kamailio/kamailio.cfg'];
  await node.mustRun([...change, ...command, '-m', '64', '-M', '8', ...words]);
  return (await node.mustRun(['cat', pidfile])).trim();
}

async function pidsOf(node: TestbedNode): Promise<string> {
  return node.mustRun(['pgrep', '-x', 'kamailio']);
}

/** Calls suggest, pastes all of what it printed into a shell, and returns it. */
async function paste(node: TestbedNode, ...flags: string[]): Promise<string> {
  const text = await node.mustRun([AGENT, 'suggest', ...flags]);
  await node.mustRun(['sh', '-ec', text]);
  return text;
}

async function assertTakenOver(testbed: Testbed, node: TestbedNode, pids: string): Promise<void> {
  assert.is(await testbed.untilRunning('kamailio'), node);
  await testbed.settle();
  assert.equal((await testbed.state()).failures, []);
  assert.is(await pidsOf(node), pids);
  await node.mustRun(['crm_resource', '--resource', 'kamailio', '--force-check']);
}

/** Makes a node ready, and afterwards stops what the printed commands have made, and what was started by hand. */
async function onNode(testbed: Testbed, body: (node: TestbedNode) => Promise<void>): Promise<void> {
  const node = testbed.node(1);
  try {
    await body(node);
  } finally {
    for (const id of ['kamailio-group', 'kamailio-clone', 'kamailio-ip', 'kamailio'])
      await node.run(['pcs', 'resource', 'delete', id, '--force']);
    const left = (await node.run(['pgrep', '-x', 'kamailio'])).stdout.trim();
    if (left !== '') await node.run(['kill', '-KILL', ...left.split('\n')]);
    await node.run(['ip', 'address', 'delete', `${SERVICE_ADDRESS}/24`, 'dev', 'eth0']);
  }
}

for (const tool of ['pcs', 'crm']) {
  test(`a Kamailio with Debian's options and a virtual address comes under the cluster by the printed commands for ${tool}, without a restart`, (testbed) =>
    onNode(testbed, async (node) => {
      await node.mustRun(ADD_ADDRESS);
      await startByHand(node, '-A', "WITH_IT='S A'");
      await testbed.waitFor(async () => testbed.answers(), 'it answers');
      const pids = await pidsOf(node);
      const text = await paste(node, `--for=${tool}`);
      assert.match(text, /No restart is needed/);
      assert.match(text, /taken for a virtual address: it is a secondary address/);
      assert.match(text, /IPaddr2/);
      await assertTakenOver(testbed, node, pids);
      assert.is(await testbed.untilRunning('kamailio-ip'), node);
      assert.ok(await testbed.answers());
    }));
}

test('with --standby the printed commands make a clone on every node, and the address runs beside one', (testbed) =>
  onNode(testbed, async (node) => {
    const sockets = `listen=udp:${SERVICE_ADDRESS}:5060\nlisten=udp:127.0.0.1:5060\n`;
    const config = exampleFile('kamailio.cfg').replace('request_route', () => `${sockets}request_route`);
    for (const each of testbed.nodes) {
      await each.write('/etc/kamailio/kamailio.cfg', config);
      await each.mustRun(['sysctl', '-w', 'net.ipv4.ip_nonlocal_bind=1']);
    }
    await node.mustRun(ADD_ADDRESS);
    await startByHand(node);
    await testbed.waitFor(async () => testbed.answers(), 'it answers');
    const pids = await pidsOf(node);
    const text = await node.mustRun([AGENT, 'suggest', '--standby']);
    assert.match(text, /net\.ipv4\.ip_nonlocal_bind = 1/);
    await node.mustRun(['sh', '-ec', text.slice(text.search(/^pcs /m))]);
    await testbed.waitFor(async () => {
      const { resources } = await testbed.state();
      return (
        resources.filter(({ id, active }) => id === 'kamailio' && active).length === testbed.nodes.length
      );
    }, 'it runs on every node');
    await testbed.settle();
    assert.equal((await testbed.state()).failures, []);
    assert.is(await pidsOf(node), pids);
    assert.ok(await testbed.answers());
  }));

test('a configuration that answers no poll is said to need a restart, and the printed lines are shown', (testbed) =>
  onNode(testbed, async (node) => {
    await node.write(
      '/etc/kamailio/kamailio.cfg',
      exampleFile('kamailio.cfg').replace('"monitor"', '"other"'),
    );
    await startByHand(node);
    await testbed.waitFor(
      async () => (await node.run([AGENT, 'suggest'])).stdout.includes('listen_address'),
      'it serves',
    );
    const text = await node.mustRun([AGENT, 'suggest']);
    assert.match(text, /^# A restart is needed: .*has to answer a poll/m);
    assert.match(text, /^# .*sl_send_reply\("200", "OK"\)/m);
  }));

run();
