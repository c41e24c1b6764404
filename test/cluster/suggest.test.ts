import * as assert from 'uvu/assert';
import { SERVICE_ADDRESS } from './testbed/configuration.ts';
import { exampleFile } from './testbed/kamailio.ts';
import type { TestbedNode } from './testbed/node.ts';
import { clusterSuite } from './testbed/suite.ts';
import type { Testbed } from './testbed/testbed.ts';

const { test, run } = clusterSuite('suggest');

const AGENT = '/usr/lib/ocf/resource.d/heartbeat/kamailio';
const ADD_ADDRESS = ['ip', 'address', 'replace', `${SERVICE_ADDRESS}/24`, 'dev', 'eth0'];

/** The files of a Kamailio as Debian's unit has them. */
const DEBIANS = { conffile: '/etc/kamailio/kamailio.cfg', pidfile: '/run/kamailio/kamailio.pid' };

/** Starts a Kamailio by hand as Debian's unit does, with these words more. Returns its main pid. */
async function startByHand(node: TestbedNode, ...words: string[]): Promise<string> {
  return startWith(node, DEBIANS, ...words);
}

async function startWith(
  node: TestbedNode,
  { conffile, pidfile }: typeof DEBIANS,
  ...words: string[]
): Promise<string> {
  const user = 'kamailio';
  await node.mustRun(['install', '-d', '-o', user, '-g', user, '-m', '770', '/run/kamailio']);
  const change = ['setpriv', '--reuid', user, '--regid', user, '--init-groups', '--'];
  const command = ['/usr/sbin/kamailio', '-P', pidfile, '-f', conffile];
  await node.mustRun([...change, ...command, '-m', '64', '-M', '8', ...words]);
  return (await node.mustRun(['cat', pidfile])).trim();
}

/** Files that the account of Kamailio may read. */
const MAKE_CERTIFICATE = [
  ...['sh', '-ec'],
  `cd /etc/kamailio
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=test -keyout private_key.pem -out certificate.pem 2>/dev/null
chmod 644 private_key.pem`,
];

async function pidsOf(node: TestbedNode): Promise<string> {
  return node.mustRun(['pgrep', '-x', 'kamailio']);
}

/** Waits until suggest finds a Kamailio that can be taken over as it runs: one that was just started is not ready. */
async function untilReady(testbed: Testbed, node: TestbedNode, ...flags: string[]): Promise<void> {
  await testbed.waitFor(
    async () => (await node.mustRun([AGENT, 'suggest', ...flags])).includes('No restart is needed'),
    'it can be taken over',
  );
}

/** Calls suggest, pastes all of what it printed into a shell, and returns it. */
async function paste(node: TestbedNode, ...flags: string[]): Promise<string> {
  const text = await node.mustRun([AGENT, 'suggest', ...flags]);
  await node.mustRun(['sh', '-ec', text]);
  return text;
}

async function assertTakenOver(
  testbed: Testbed,
  node: TestbedNode,
  pids: string,
  name = 'kamailio',
): Promise<void> {
  assert.is(await testbed.untilRunning(name), node);
  await testbed.settle();
  assert.equal((await testbed.state()).failures, []);
  assert.is(await pidsOf(node), pids);
  await node.mustRun(['crm_resource', '--resource', name, '--force-check']);
}

/** The example's configuration with lines before its route. */
function configurationWith(...lines: string[]): string {
  return exampleFile('kamailio.cfg').replace('request_route', () => [...lines, 'request_route'].join('\n'));
}

/** Makes a node ready, and afterwards stops what the printed commands have made, and what was started by hand. */
async function onNode(testbed: Testbed, body: (node: TestbedNode) => Promise<void>): Promise<void> {
  const node = testbed.node(1);
  try {
    await body(node);
  } finally {
    for (const id of ['kamailio-group', 'kamailio-clone', 'kamailio-ip', 'kamailio', 'kamailio-2'])
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

test('two Kamailios of one node come under the cluster by their pids, one after the other, without a restart', (testbed) =>
  onNode(testbed, async (node) => {
    const second = { conffile: '/etc/kamailio/second.cfg', pidfile: '/run/kamailio/second.pid' };
    await node.write(DEBIANS.conffile, configurationWith('listen=udp:127.0.0.1:5060'));
    const other = configurationWith('listen=udp:127.0.0.1:5070').replace('kamailio_rpc.fifo', 'second.fifo');
    await node.write(second.conffile, other);
    const main = [await startByHand(node), await startWith(node, second)];
    const pids = await pidsOf(node);
    const listed = await node.mustRun([AGENT, 'suggest']);
    for (const pid of main) assert.match(listed, new RegExp(`^ +${pid} `, 'm'));
    for (const pid of main) {
      await untilReady(testbed, node, `--pid=${pid}`);
      const json = await node.mustRun([AGENT, 'suggest', `--pid=${pid}`, '--output=json']);
      const { name }: { readonly name: string } = JSON.parse(json);
      assert.match(await paste(node, `--pid=${pid}`), /No restart is needed/);
      await assertTakenOver(testbed, node, pids, name);
    }
  }));

const THIRTY = Array.from({ length: 30 }, (_, index) => `listen=udp:127.0.0.1:${6000 + index}`);

for (const [what, sockets, polled] of [
  [
    'listen lines with tls',
    [
      'enable_tls=yes',
      'loadmodule "tls.so"',
      'modparam("tls", "tls_method", "TLSv1.2+")',
      ...['certificate', 'private_key'].map(
        (name) => `modparam("tls", "${name}", "/etc/kamailio/${name}.pem")`,
      ),
      ...['udp:127.0.0.1:5060', 'tcp:127.0.0.1:5060', 'tls:127.0.0.1:5061'].map((one) => `listen=${one}`),
    ],
    'tls:127.0.0.1:5061',
  ],
  ['thirty listen lines', THIRTY, 'udp:127.0.0.1:6029'],
] as const)
  test(`a Kamailio with ${what} comes under the cluster without a restart, and all are polled`, (testbed) =>
    onNode(testbed, async (node) => {
      await node.mustRun(MAKE_CERTIFICATE);
      await node.write(DEBIANS.conffile, configurationWith(...sockets));
      await startByHand(node);
      await untilReady(testbed, node);
      const pids = await pidsOf(node);
      const text = await paste(node);
      assert.match(text, /No restart is needed/);
      assert.match(text, new RegExp(`probes=.*${polled}`));
      await assertTakenOver(testbed, node, pids);
    }));

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
