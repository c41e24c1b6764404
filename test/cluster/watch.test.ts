import * as assert from 'uvu/assert';
import { kamailios, mainPid, reports, strike, untilReported, watchers } from './on-node.ts';
import { setMaintenance } from './testbed/administration.ts';
import { KAMAILIO, kamailioOperations } from './testbed/kamailio.ts';
import type { TestbedNode } from './testbed/node.ts';
import { cloneXml, primitiveXml } from './testbed/resources.ts';
import { clusterSuite } from './testbed/suite.ts';
import type { Testbed } from './testbed/testbed.ts';

const { test, run } = clusterSuite('watch');

/** Far longer than any test: what is recovered was reported by the watcher. */
const MONITOR_S = 600;

async function createWatched(
  testbed: Testbed,
  meta: Readonly<Record<string, string>> = {},
): Promise<TestbedNode> {
  await testbed.createKamailio({ params: { watch: 'process' }, monitorInterval: MONITOR_S, meta });
  const node = await testbed.untilRunning(KAMAILIO);
  await testbed.waitFor(async () => (await watchers(node)).length === 1, 'the watcher runs');
  return node;
}

/** Waits until another main process than `before` runs on the node, and callers are answered. */
async function untilRecovered(testbed: Testbed, node: TestbedNode, before: string): Promise<void> {
  await testbed.waitFor(async () => {
    const now = await mainPid(node);
    return /^\d+$/.test(now) && now !== before && (await testbed.answers());
  }, 'it is recovered');
}

async function failCount(testbed: Testbed): Promise<number> {
  const { history } = await testbed.state();
  return Math.max(0, ...history.filter(({ resource }) => resource === KAMAILIO).map((one) => one.failCount));
}

test('a crash is recovered at once, by one report, and the new Kamailio has a watcher', async (testbed) => {
  const node = await createWatched(testbed);
  const [pid, [watcher]] = [await mainPid(node), await watchers(node)];
  const before = reports(node).length;
  await strike(node, 'KILL');
  await untilRecovered(testbed, node, pid);
  await untilReported(testbed, node, before);
  // Pacemaker 2.1 counts a failure that crm_resource reports once or twice.
  assert.ok([1, 2].includes(await failCount(testbed)));
  const [next, ...others] = await watchers(node);
  assert.ok(next !== undefined && next !== watcher);
  assert.equal(others, []);
});

test('a crash of the main process alone is recovered at once', async (testbed) => {
  const node = await createWatched(testbed);
  const pid = await mainPid(node);
  await node.mustRun(['kill', '-KILL', pid]);
  await untilRecovered(testbed, node, pid);
});

test('a hang is recovered with watch=sip, and intended stops are not reported', async (testbed) => {
  await testbed.createKamailio({ params: { watch: 'sip', watch_timeout: '2' }, monitorInterval: MONITOR_S });
  const node = await testbed.untilRunning(KAMAILIO);
  await testbed.waitFor(async () => (await watchers(node)).length === 1, 'the watcher runs');
  const [pid, before] = [await mainPid(node), reports(node).length];
  await strike(node, 'STOP');
  await untilRecovered(testbed, node, pid);
  await untilReported(testbed, node, before);
  assert.match(reports(node).at(-1) ?? '', /has not answered for \d+\.\d s; reporting/);
  await testbed.command(['crm_resource', '--move', '-r', 'sip']);
  await testbed.untilRunning(KAMAILIO, node);
  await testbed.settle();
  assert.is(reports(node).length, before + 1);
});

test('intended stops, starts and moves are never reported', async (testbed) => {
  const node = await createWatched(testbed);
  for (const role of ['Stopped', 'Started']) {
    await testbed.command(['crm_resource', '-r', KAMAILIO, '--meta', '-p', 'target-role', '-v', role]);
    await testbed.settle();
  }
  await testbed.untilRunning(KAMAILIO);
  await testbed.command(['crm_resource', '--move', '-r', 'sip']);
  const next = await testbed.untilRunning(KAMAILIO, node);
  await testbed.settle();
  assert.equal(await watchers(node), []);
  assert.is((await watchers(next)).length, 1);
  assert.is(await failCount(testbed), 0);
  assert.equal((await testbed.state()).failures, []);
});

test('a crash in maintenance mode is left alone until the mode ends', async (testbed) => {
  const node = await createWatched(testbed);
  await setMaintenance(testbed, true);
  await testbed.settle();
  const log = node.log().length;
  await strike(node, 'KILL');
  await testbed.waitFor(
    () => /not reported yet: the resource is not managed/.test(node.log().slice(log)),
    'it was seen',
  );
  await testbed.settle();
  assert.is(await failCount(testbed), 0);
  await setMaintenance(testbed, false);
  await testbed.waitFor(() => testbed.answers(), 'it is recovered afterwards');
});

test('crashes in a row are one report each, and migration-threshold moves the service', async (testbed) => {
  const threshold = 5;
  const node = await createWatched(testbed, { 'migration-threshold': String(threshold) });
  const before = reports(node).length;
  let crashes = 0;
  for (let failures = 0; failures < threshold; failures = await failCount(testbed)) {
    await testbed.waitFor(async () => (await watchers(node)).length === 1, 'the watcher runs');
    await strike(node, 'KILL');
    crashes += 1;
    await testbed.waitFor(() => reports(node).length === before + crashes, `crash ${crashes} is reported`);
    await testbed.waitFor(() => testbed.answers(), 'it is recovered');
    await testbed.settle();
  }
  // Pacemaker 2.1 counts a failure that crm_resource reports once or twice.
  assert.ok(crashes >= threshold / 2 && crashes <= threshold, `${crashes} crashes`);
  await testbed.untilRunning(KAMAILIO, node);
  assert.equal(await watchers(node), []);
  assert.is(reports(node).length, before + crashes);
});

test('a watcher that is killed is started again by the next monitor', async (testbed) => {
  await testbed.createKamailio({ params: { watch: 'process' }, monitorInterval: 1 });
  const node = await testbed.untilRunning(KAMAILIO);
  await testbed.waitFor(async () => (await watchers(node)).length === 1, 'the watcher runs');
  const [pid = ''] = await watchers(node);
  await node.mustRun(['kill', '-KILL', pid]);
  await testbed.waitFor(async () => {
    const [next] = await watchers(node);
    return next !== undefined && next !== pid;
  }, 'another watcher runs');
  assert.equal((await testbed.state()).failures, []);
});

test('reload-agent turns the watcher on and off through the cluster, without a restart', async (testbed) => {
  await testbed.createKamailio({ monitorInterval: MONITOR_S });
  const node = await testbed.untilRunning(KAMAILIO);
  const pid = await mainPid(node);
  assert.equal(await watchers(node), []);
  for (const [value, count] of [
    ['process', 1],
    ['off', 0],
  ] as const) {
    await testbed.command(['crm_resource', '-r', KAMAILIO, '-p', 'watch', '-v', value]);
    await testbed.waitFor(
      async () => (await watchers(node)).length === count,
      `watch=${value} has taken effect`,
    );
  }
  await testbed.settle();
  assert.is(await mainPid(node), pid);
});

for (const unique of ['false', 'true']) {
  test(`the watcher of a clone's instance reports it by the cluster's name, globally-unique=${unique}`, async (testbed) => {
    const member = primitiveXml({
      id: KAMAILIO,
      type: 'kamailio',
      params: { listen_address: '127.0.0.1', kamuser: 'kamailio', kamgroup: 'kamailio', watch: 'process' },
      operations: kamailioOperations(MONITOR_S),
    });
    const meta = { 'clone-max': '2', 'clone-node-max': '1', 'globally-unique': unique };
    await testbed.createResource(cloneXml('kamailio-clone', member, meta));
    const places = async () =>
      (await testbed.state()).resources.filter(({ active }) => active).flatMap(({ nodes }) => nodes);
    await testbed.waitFor(async () => (await places()).length === 2, 'both instances run');
    await testbed.settle();
    const [crashing, other] = (await places()).map((name) => testbed.node(name));
    assert.ok(crashing && other);
    const pids = async (node: TestbedNode) => (await kamailios(node)).join();
    const [crashed, untouched] = [await pids(crashing), await pids(other)];
    const first = reports(crashing).length;
    await strike(crashing, 'KILL');
    await testbed.waitFor(async () => {
      const now = await pids(crashing);
      return now !== '' && now !== crashed;
    }, 'the crashed instance is recovered');
    await untilReported(testbed, crashing, first);
    assert.is(await pids(other), untouched, 'the other instance is left alone');
    assert.is((await testbed.state()).failures.length, 1);
    const both = [crashing, other];
    const [before, reported] = [await Promise.all(both.map(pids)), both.map((node) => reports(node).length)];
    await Promise.all(both.map((node) => strike(node, 'KILL')));
    await testbed.waitFor(async () => {
      const now = await Promise.all(both.map(pids));
      return now.every((some, index) => some !== '' && some !== before[index]);
    }, 'both instances are recovered after they crashed at once');
    await Promise.all(both.map((node, index) => untilReported(testbed, node, reported[index] ?? 0)));
  });
}

test('a node that has lost the quorum: its watcher reports a crash where the cluster goes on, and no stop that the loss brings', async (testbed) => {
  const node = await createWatched(testbed);
  await testbed.command(['crm_attribute', '--name', 'no-quorum-policy', '--update', 'freeze']);
  await testbed.settle();
  const [pid, before] = [await mainPid(node), reports(node).length];
  for (const other of testbed.nodes.filter(({ name }) => name !== node.name)) await other.cut();
  await testbed.waitFor(async () => !(await testbed.state(node)).hasQuorum, 'the quorum is lost');
  await strike(node, 'KILL');
  await untilRecovered(testbed, node, pid);
  await testbed.waitFor(async () => (await watchers(node)).length === 1, 'the next watcher runs');
  await testbed.waitFor(() => reports(node).length > before, 'the crash is reported');
  assert.is(reports(node).length, before + 1);
  await node.mustRun(['crm_attribute', '--name', 'no-quorum-policy', '--update', 'stop']);
  await testbed.waitFor(
    async () => (await kamailios(node)).length === 0,
    'the cluster stops it for want of the quorum',
  );
  await testbed.waitFor(async () => (await watchers(node)).length === 0, 'its watcher has ended');
  assert.is(reports(node).length, before + 1);
});

test('the watcher outlives a restart of Pacemaker, and reports a crash afterwards', async (testbed) => {
  const node = await createWatched(testbed);
  const [watcher] = await watchers(node);
  await setMaintenance(testbed, true);
  await testbed.settle();
  await node.stopCluster();
  await node.startCluster();
  await testbed.untilOnline();
  await setMaintenance(testbed, false);
  await testbed.settle();
  assert.equal(await watchers(node), [watcher]);
  const pid = await mainPid(node);
  await strike(node, 'KILL');
  await untilRecovered(testbed, node, pid);
});

run();
