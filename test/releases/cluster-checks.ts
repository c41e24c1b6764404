import * as assert from 'uvu/assert';
import { readmeCommands } from '../cluster/readme.ts';
import { KAMAILIO, PIDFILE } from '../cluster/testbed/kamailio.ts';
import { AGENT_PATH, type TestbedNode } from '../cluster/testbed/node.ts';
import type { Testbed } from '../cluster/testbed/testbed.ts';

/** Something that is tried in a cluster of each release. */
export interface ClusterCheck {
  readonly name: string;
  run(testbed: Testbed): Promise<void>;
}

/** In this order, each in the state that the one before leaves. */
export const CLUSTER_CHECKS: readonly ClusterCheck[] = [
  {
    name: "cluster: the README's commands for pcs make a group that runs",
    run: (testbed) => create(testbed, 'pcs'),
  },
  { name: 'cluster: a crash is recovered', run: recover },
  { name: 'cluster: a reloadable parameter is changed by reload-agent, and Kamailio runs on', run: reload },
  { name: 'cluster: 190 is shown, and nothing is recovered', run: degrade },
  { name: 'cluster: a probe finds the running instance, and no second one is started', run: probe },
  { name: 'cluster: in maintenance nothing is recovered, after it what died is', run: maintain },
  { name: 'cluster: diagnose RESOURCE reads the parameters of this CIB', run: diagnose },
  { name: 'cluster: an intended stop is no failure', run: disable },
  {
    name: "cluster: the README's commands for crm make a group that runs",
    run: (testbed) => create(testbed, 'crm'),
  },
];

/** Begins with an empty cluster. */
async function create(testbed: Testbed, tool: 'pcs' | 'crm'): Promise<void> {
  if ((await testbed.state()).resources.length > 0) await testbed.cleanUp();
  await testbed.node(1).mustRun(['sh', '-ec', readmeCommands(tool)]);
  await assertRuns(testbed);
}

async function recover(testbed: Testbed): Promise<void> {
  const node = await testbed.untilRunning(KAMAILIO);
  const pid = await mainPid(node);
  await node.mustRun(['kill', '-KILL', pid]);
  await testbed.waitFor(async () => (await testbed.state()).failures.length > 0, 'the crash is noted');
  await testbed.waitFor(() => testbed.answers(), 'it answers again');
  await testbed.settle();
  const [failure] = (await testbed.state()).failures;
  assert.equal([failure?.task, failure?.code], ['monitor', 1]);
  assert.match(failure?.reason ?? '', /^the main process is not known /);
  await testbed.command(['crm_resource', '--cleanup', '--resource', KAMAILIO]);
  await assertRuns(testbed);
  assert.is.not(await mainPid(await testbed.untilRunning(KAMAILIO)), pid);
}

async function reload(testbed: Testbed): Promise<void> {
  const node = await testbed.untilRunning(KAMAILIO);
  const pid = await mainPid(node);
  const start = node.log().length;
  await setParameter(testbed, 'probe_timeout', '4');
  await testbed.waitFor(() => /reload/.test(node.log().slice(start)), 'reload-agent was called');
  await assertRuns(testbed);
  assert.is(await mainPid(node), pid);
}

async function degrade(testbed: Testbed): Promise<void> {
  const node = await testbed.untilRunning(KAMAILIO);
  const pid = await mainPid(node);
  const lastMonitor = async () => {
    const { history } = await testbed.state();
    const monitors = history.filter(({ resource, task }) => resource === KAMAILIO && task === 'monitor');
    return monitors.toSorted((a, b) => b.call - a.call)[0]?.code;
  };
  await setParameter(testbed, 'kamctlrc', '/nowhere');
  await testbed.waitFor(async () => (await lastMonitor()) === 190, 'the monitor says 190');
  await testbed.settle();
  assert.match(await testbed.command(['crm_mon', '-1']), /kamctlrc \/nowhere is missing on this node/);
  assert.ok((await testbed.state()).history.every(({ failCount }) => failCount === 0));
  assert.is(await mainPid(node), pid);
  await setParameter(testbed, 'kamctlrc', '/etc/kamailio/kamctlrc');
  await testbed.waitFor(async () => (await lastMonitor()) === 0, 'the monitor is content again');
  await assertRuns(testbed);
  assert.is(await mainPid(node), pid);
}

async function probe(testbed: Testbed): Promise<void> {
  const node = await testbed.untilRunning(KAMAILIO);
  const pid = await mainPid(node);
  const start = node.log().length;
  // The cluster forgets what it knows of the resource, and probes every node.
  await testbed.command(['crm_resource', '--refresh', '--resource', KAMAILIO]);
  await testbed.waitFor(
    () => /Result of probe operation for kamailio on \S+: ok/.test(node.log().slice(start)),
    'the probe has found it',
  );
  await assertRuns(testbed);
  assert.is(await mainPid(node), pid);
  for (const other of testbed.nodes.filter(({ name }) => name !== node.name))
    assert.is((await other.run(['pgrep', '-x', 'kamailio'])).code, 1, other.name);
}

async function maintain(testbed: Testbed): Promise<void> {
  const node = await testbed.untilRunning(KAMAILIO);
  await setMaintenance(testbed, true);
  const pid = await mainPid(node);
  await node.mustRun(['kill', '-KILL', pid]);
  await testbed.waitFor(
    async () => (await node.run(['test', '-e', `/proc/${pid}`])).code !== 0,
    'it is dead',
  );
  await testbed.settle();
  assert.is(await mainPid(node), pid, 'the pidfile is as the crash left it');
  await setMaintenance(testbed, false);
  await testbed.waitFor(() => testbed.answers(), 'it answers again');
  await testbed.command(['crm_resource', '--cleanup', '--resource', KAMAILIO]);
  await assertRuns(testbed);
}

async function diagnose(testbed: Testbed): Promise<void> {
  const node = await testbed.untilRunning(KAMAILIO);
  const { code, stdout, stderr } = await node.run([AGENT_PATH, 'diagnose', KAMAILIO]);
  assert.is(code, 0, stdout + stderr);
  assert.match(stdout, /^Kamailio instance kamailio, parameters from the cluster's resource kamailio$/m);
  assert.match(stdout, /^ +ok +udp:192\.0\.2\.10:5060 /m);
  assert.match(stdout, /^ +ok +control plane /m);
}

async function disable(testbed: Testbed): Promise<void> {
  const node = await testbed.untilRunning(KAMAILIO);
  await node.mustRun(['pcs', 'resource', 'disable', KAMAILIO]);
  await testbed.settle();
  assert.not(await testbed.answers());
  assert.is((await node.run(['pgrep', '-x', 'kamailio'])).code, 1);
  assert.equal((await testbed.state()).failures, []);
}

async function assertRuns(testbed: Testbed): Promise<void> {
  await testbed.untilRunning(KAMAILIO);
  await testbed.settle();
  assert.ok(await testbed.answers(), 'it answers');
  assert.equal((await testbed.state()).failures, []);
}

async function mainPid(node: TestbedNode): Promise<string> {
  return `${await node.read(PIDFILE)}`.trim();
}

function setParameter(testbed: Testbed, name: string, value: string): Promise<string> {
  const parameter = ['--set-parameter', name, `--parameter-value=${value}`];
  return testbed.command(['crm_resource', '--resource', KAMAILIO, ...parameter]);
}

function setMaintenance(testbed: Testbed, value: boolean): Promise<string> {
  return testbed.command(['crm_attribute', '--name', 'maintenance-mode', '--update', String(value)]);
}
