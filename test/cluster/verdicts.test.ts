import * as assert from 'uvu/assert';
import { mainPid } from './on-node.ts';
import { exampleFile, KAMAILIO, PIDFILE } from './testbed/kamailio.ts';
import type { TestbedNode } from './testbed/node.ts';
import { primitiveXml } from './testbed/resources.ts';
import { clusterSuite } from './testbed/suite.ts';

const { test, run } = clusterSuite('verdicts');

const DEEP = { name: 'monitor', interval: 2, timeout: 30, params: { OCF_CHECK_LEVEL: '20' } } as const;
const OPERATIONS = [
  { name: 'start', interval: 0, timeout: 60 },
  { name: 'stop', interval: 0, timeout: 30 },
] as const;

/** The pid of the process that runs slow timers: without it SIP goes on all the same. */
async function slowTimer(node: TestbedNode): Promise<string> {
  const list = await node.mustRun(['kamctl', 'rpc', 'core.psx']);
  const pid = /"PID":\s*(\d+),\s*"DSC":\s*"slow timer"/.exec(list)?.[1];
  assert.ok(pid, list);
  return pid;
}

test('190 is shown, and not recovered', async (testbed) => {
  await testbed.createKamailio({ operations: [...OPERATIONS, DEEP] });
  const node = await testbed.untilRunning(KAMAILIO);
  const pid = await mainPid(node);
  const worker = await slowTimer(node);
  await node.mustRun(['kill', '-STOP', worker]);
  const lastMonitor = async () => {
    const { history } = await testbed.state();
    const monitors = history.filter(({ resource, task }) => resource === KAMAILIO && task === 'monitor');
    return monitors.reduce((last, next) => (next.call >= last.call ? next : last));
  };
  await testbed.waitFor(async () => (await lastMonitor()).code === 190, 'the monitor says 190');
  await testbed.settle();
  // The name that crm_mon gives 190 differs between Pacemaker 2.0, 2.1 and 3.0.
  assert.match(
    await testbed.command(['crm_mon', '-1']),
    /kamailio.*monitor.* on node\d .*worker \d+ is stopped/,
  );
  const { history, resources } = await testbed.state();
  assert.ok(history.every(({ failCount }) => failCount === 0));
  assert.ok(resources.every(({ active, failed }) => active && !failed));
  assert.is(await mainPid(node), pid);
  assert.ok(await testbed.answers());
  await node.mustRun(['kill', '-CONT', worker]);
  await testbed.waitFor(async () => (await lastMonitor()).code === 0, 'the monitor is content again');
  assert.is(await mainPid(node), pid);
});

test('failures count towards the migration-threshold: the first is recovered here, the second elsewhere', async (testbed) => {
  await testbed.createKamailio({ monitorInterval: 1, meta: { 'migration-threshold': '2' } });
  const node = await testbed.untilRunning(KAMAILIO);
  const crash = async () => {
    const pid = await mainPid(node);
    await node.mustRun(['kill', '-KILL', pid]);
    return pid;
  };
  const first = await crash();
  await testbed.waitFor(async () => ((await node.read(PIDFILE)) ?? first).trim() !== first, 'it runs again');
  await testbed.untilRunning(KAMAILIO);
  await testbed.settle();
  assert.is((await testbed.untilRunning(KAMAILIO)).name, node.name);
  const counts = async () => {
    const { history } = await testbed.state();
    return Math.max(
      ...history.filter(({ resource }) => resource === KAMAILIO).map(({ failCount }) => failCount),
    );
  };
  assert.is(await counts(), 1);
  await crash();
  const second = await testbed.untilRunning(KAMAILIO, node);
  await testbed.settle();
  assert.is(await counts(), 2);
  assert.ok(await testbed.answers());
  assert.is.not(second.name, node.name);
});

test('what the cluster shows of a failed start says what is wrong', async (testbed) => {
  // No node has this address; Pacemaker cuts a reason after 128 characters.
  const params = { listen_address: '192.0.2.77', proto: 'udp' };
  // A start waits for half of its time for an address that may come.
  const operations = OPERATIONS.map((one) => (one.name === 'start' ? { ...one, timeout: 20 } : one));
  await testbed.createResource(primitiveXml({ id: 'lost', type: 'kamailio', params, operations }));
  await testbed.waitFor(
    async () => (await testbed.state()).failures.length === 3,
    'it was tried on each node',
  );
  for (const { code, task, reason } of (await testbed.state()).failures) {
    assert.equal([code, task], [1, 'start']);
    assert.match(reason, /192\.0\.2\.77.*Cannot assign requested address/);
  }
});

test('a configuration that Kamailio rejects is 2 with its line, and is tried on the next node', async (testbed) => {
  await testbed.createKamailio({ wait: false });
  const first = await testbed.untilRunning(KAMAILIO);
  await testbed.settle();
  await first.write('/etc/kamailio/kamailio.cfg', `${exampleFile('kamailio.cfg')}\nroute[X] { nonsense }\n`);
  const pid = await mainPid(first);
  await first.mustRun(['kill', '-KILL', pid]);
  await testbed.untilRunning(KAMAILIO, first);
  await testbed.settle();
  const failed = (await testbed.state()).failures.find(({ task }) => task === 'start');
  assert.is(failed?.code, 2);
  assert.is(failed?.node, first.name);
  assert.match(failed?.reason ?? '', /rejects its configuration .*line \d+/);
  assert.ok(await testbed.answers());
});

run();
