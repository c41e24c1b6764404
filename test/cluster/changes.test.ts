import * as assert from 'uvu/assert';
import { setMaintenance, setParameter } from './testbed/administration.ts';
import { KAMAILIO, PIDFILE } from './testbed/kamailio.ts';
import type { TestbedNode } from './testbed/node.ts';
import { clusterSuite } from './testbed/suite.ts';
import type { Testbed } from './testbed/testbed.ts';

const { test, run } = clusterSuite('changes');

/** The pid of Kamailio's main process on a node, as the node counts. */
async function mainPid(node: TestbedNode): Promise<string> {
  const pid = await node.read(PIDFILE);
  assert.match(pid ?? '', /^\d+\n?$/, `${PIDFILE} on ${node.name}`);
  return `${pid}`.trim();
}

/** Remembers how far the logs of all nodes go; what it returns gives the lines that have come since. */
function mark(testbed: Testbed): () => string[] {
  const starts = testbed.nodes.map((node) => node.log().length);
  return () => testbed.nodes.flatMap((node, index) => node.log().slice(starts[index]).split('\n'));
}

/** What the cluster has done to Kamailio's resource, by these lines of the log; looking at it is not among that. */
function interventions(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const name = /Requesting local execution of (\S+) operation for kamailio on/.exec(line)?.[1];
    return name === undefined || name === 'monitor' || name === 'probe' ? [] : [name];
  });
}

/** Waits until Kamailio has been polled so many times more, by whatever agent is in place. */
async function untilPolled(testbed: Testbed, node: TestbedNode, times: number): Promise<void> {
  const polls = async () => {
    const answer = await node.mustRun(['kamctl', 'rpc', 'stats.get_statistics', 'rcv_requests_options']);
    return Number(/rcv_requests_options = (\d+)/.exec(answer)?.[1]);
  };
  const before = await polls();
  await testbed.waitFor(
    async () => (await polls()) >= before + times,
    `Kamailio was polled ${times} times more`,
  );
}

test('a reloadable parameter is changed by reload-agent, and Kamailio keeps its pid; another restarts it', async (testbed) => {
  await testbed.createKamailio();
  const node = await testbed.untilRunning(KAMAILIO);
  const pid = await mainPid(node);
  const since = mark(testbed);
  await setParameter(testbed, 'probe_timeout', '4');
  await testbed.waitFor(() => interventions(since()).includes('reload-agent'), 'reload-agent was called');
  await testbed.settle();
  assert.equal(interventions(since()), ['reload-agent']);
  assert.is(await mainPid(node), pid);
  const after = mark(testbed);
  await setParameter(testbed, 'extra_options', '-m 48');
  await testbed.waitFor(() => interventions(after()).includes('start'), 'it was started again');
  await testbed.settle();
  assert.equal(interventions(after()), ['stop', 'start']);
  assert.is.not(await mainPid(await testbed.untilRunning(KAMAILIO)), pid);
  assert.equal((await testbed.state()).failures, []);
});

/** What the recurring monitor of Kamailio said last, as the cluster remembers it. */
async function latestMonitor(testbed: Testbed): Promise<number | undefined> {
  const { history } = await testbed.state();
  const monitors = history.filter(
    ({ resource, task, intervalMs }) => resource === KAMAILIO && task === 'monitor' && intervalMs > 0,
  );
  return monitors.toSorted((a, b) => b.call - a.call)[0]?.code;
}

for (const [name, bad, good, reason] of [
  ['probe_timeout', 'abc', '5s', /probe_timeout=abc: is not a duration/],
  ['kamctlrc', '/nowhere', '/etc/kamailio/kamctlrc', /kamctlrc \/nowhere is missing on this node/],
  ['probes', 'udp:nowhere', ' ', /probes=udp:nowhere: /],
] as const) {
  test(`a bad value of ${name}, which is reloadable, stops nothing: it is shown as 190 until it is mended`, async (testbed) => {
    await testbed.createKamailio({ monitorInterval: 1 });
    const node = await testbed.untilRunning(KAMAILIO);
    const pid = await mainPid(node);
    const since = mark(testbed);
    await testbed.node(1).mustRun(['pcs', 'resource', 'update', KAMAILIO, `${name}=${bad}`]);
    await testbed.waitFor(async () => (await latestMonitor(testbed)) === 190, 'the monitor says 190');
    await testbed.settle();
    assert.match(await testbed.command(['crm_mon', '-1']), reason);
    assert.ok((await testbed.state()).history.every(({ failCount }) => failCount === 0));
    await testbed.node(1).mustRun(['pcs', 'resource', 'update', KAMAILIO, `${name}=${good}`]);
    await testbed.waitFor(async () => (await latestMonitor(testbed)) === 0, 'the monitor is content again');
    await testbed.settle();
    assert.equal(interventions(since()), ['reload-agent', 'reload-agent']);
    assert.is((await testbed.untilRunning(KAMAILIO)).name, node.name);
    assert.is(await mainPid(node), pid);
    assert.ok(await testbed.answers());
  });
}

test('a probe of a running Kamailio without its kamctlrc finds it, and no second one is started', async (testbed) => {
  await testbed.createKamailio();
  const node = await testbed.untilRunning(KAMAILIO);
  const pid = await mainPid(node);
  const since = mark(testbed);
  await node.mustRun(['mv', '/etc/kamailio/kamctlrc', '/etc/kamailio/kamctlrc.away']);
  // The cluster forgets what it knows of the resource, and probes every node.
  await testbed.command(['crm_resource', '--refresh', '-r', KAMAILIO]);
  const probed = () =>
    new Map(
      since().flatMap((line) => {
        const [, name, result] =
          /Result of probe operation for kamailio on (\S+): ([^|(]*[^|( ])/.exec(line) ?? [];
        // Pacemaker 3 writes a capital.
        return name && result ? [[name, result.toLowerCase()] as const] : [];
      }),
    );
  await testbed.waitFor(() => probed().size === testbed.nodes.length, 'every node was probed');
  await testbed.settle();
  for (const { name } of testbed.nodes)
    assert.is(probed().get(name) === 'not running', name !== node.name, `${name}: ${probed().get(name)}`);
  const { history } = await testbed.state();
  const probe = history.find(
    ({ resource, node: place, task, intervalMs }) =>
      resource === KAMAILIO && place === node.name && /^(monitor|probe)$/.test(task) && intervalMs === 0,
  );
  assert.is(probe?.code, 190, 'the cluster has recorded it as degraded');
  assert.equal(interventions(since()), []);
  for (const { name, run: runOn } of testbed.nodes)
    assert.is((await runOn(['pgrep', '-x', 'kamailio'])).code, name === node.name ? 0 : 1, name);
  assert.is((await testbed.untilRunning(KAMAILIO)).name, node.name);
  assert.is(await mainPid(node), pid);
  await node.mustRun(['mv', '/etc/kamailio/kamctlrc.away', '/etc/kamailio/kamctlrc']);
});

test('the cluster looks away in maintenance mode, and recovers only after it', async (testbed) => {
  await testbed.createKamailio({ monitorInterval: 1 });
  const node = await testbed.untilRunning(KAMAILIO);
  const pid = await mainPid(node);
  await setMaintenance(testbed, true);
  await testbed.settle();
  const since = mark(testbed);
  await node.mustRun(['kill', '-KILL', pid]);
  assert.is((await node.run(['crm_resource', '--force-check', '-r', KAMAILIO])).code, 1);
  // The interval of a monitor, were there one, passes while the rest of the cluster is asked.
  await testbed.untilOnline();
  await node.run(['crm_resource', '--force-stop', '-r', KAMAILIO]);
  assert.equal(interventions(since()), []);
  await setMaintenance(testbed, false);
  await testbed.waitFor(() => interventions(since()).includes('start'), 'it is started');
  await testbed.settle();
  assert.ok(await testbed.answers());
});

test('maintenance mode leaves a healthy Kamailio alone when it comes and when it goes', async (testbed) => {
  await testbed.createKamailio();
  const node = await testbed.untilRunning(KAMAILIO);
  const pid = await mainPid(node);
  const since = mark(testbed);
  await setMaintenance(testbed, true);
  await testbed.settle();
  await setMaintenance(testbed, false);
  await testbed.settle();
  assert.is(await mainPid(node), pid);
  assert.equal(interventions(since()), []);
});

test('a node in standby hands Kamailio over, and can have it back', async (testbed) => {
  await testbed.createKamailio();
  const first = await testbed.untilRunning(KAMAILIO);
  const standby = (value: string) =>
    testbed.command(['crm_standby', '--node', first.name, '--update', value, '--lifetime', 'forever']);
  await standby('on');
  const second = await testbed.untilRunning(KAMAILIO, first);
  await testbed.settle();
  assert.ok(await testbed.answers());
  assert.is((await first.run(['pgrep', '-x', 'kamailio'])).code, 1, 'nothing is left on the first');
  await standby('off');
  await testbed.command(['crm_resource', '--move', '-r', 'sip', '--node', first.name]);
  await testbed.untilRunning(KAMAILIO, second);
  await testbed.settle();
  assert.is((await testbed.untilRunning(KAMAILIO)).name, first.name);
  assert.ok(await testbed.answers());
  assert.equal((await testbed.state()).failures, []);
});

test('probes at the start of the cluster find a running Kamailio and leave it alone', async (testbed) => {
  await testbed.createKamailio();
  const node = await testbed.untilRunning(KAMAILIO);
  const pid = await mainPid(node);
  await setMaintenance(testbed, true);
  await testbed.settle();
  const since = mark(testbed);
  await node.stopCluster();
  assert.ok(await testbed.answers(), 'the end of the cluster does not touch it');
  await node.boot();
  await testbed.untilOnline();
  assert.is((await testbed.untilRunning(KAMAILIO)).name, node.name, 'the probe has found it');
  await setMaintenance(testbed, false);
  await testbed.settle();
  assert.is(await mainPid(node), pid);
  assert.equal(interventions(since()), []);
  const { history, failures } = await testbed.state();
  assert.equal(failures, []);
  assert.ok(
    history.some(
      ({ resource, task, intervalMs }) => resource === KAMAILIO && task === 'monitor' && intervalMs > 0,
    ),
  );
});

for (const [from, to] of [
  ['shell', 'ours'],
  ['ours', 'shell'],
] as const) {
  test(`the agent changes from ${from} to ${to} under a running resource, and nothing is recovered`, async (testbed) => {
    await testbed.useAgent(from);
    // The shell agent polls 127.0.0.1, where Kamailio listens, too, unless it is told otherwise.
    await testbed.createKamailio({ monitorInterval: 1 });
    const node = await testbed.untilRunning(KAMAILIO);
    await untilPolled(testbed, node, 2);
    const pid = await mainPid(node);
    const since = mark(testbed);
    await setMaintenance(testbed, true);
    await testbed.settle();
    await testbed.useAgent(to);
    assert.is((await node.run(['crm_resource', '--force-check', '-r', KAMAILIO])).code, 0);
    await setMaintenance(testbed, false);
    await untilPolled(testbed, node, 4);
    await testbed.settle();
    assert.equal(interventions(since()), []);
    assert.equal(
      since().filter((line) => /\b(Recover|Restart|Move)\b.* kamailio/.test(line)),
      [],
    );
    assert.equal((await testbed.state()).failures, []);
    assert.is(await mainPid(node), pid);
    await testbed.command(['crm_resource', '--move', '-r', 'sip']);
    await testbed.untilRunning(KAMAILIO, node);
    await testbed.settle();
    assert.ok(await testbed.answers(), 'the other agent stops it here and starts it elsewhere');
    assert.equal((await testbed.state()).failures, []);
  });
}

run();
