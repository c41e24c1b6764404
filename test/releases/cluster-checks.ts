import * as assert from 'uvu/assert';
import { kamailios, mainPid } from '../cluster/on-node.ts';
import { readmeCommands } from '../cluster/readme.ts';
import { setMaintenance, setParameter } from '../cluster/testbed/administration.ts';
import { KAMAILIO } from '../cluster/testbed/kamailio.ts';
import { AGENT_PATH } from '../cluster/testbed/node.ts';
import type { Testbed } from '../cluster/testbed/testbed.ts';
import { assertRuns, untilRestarted } from './cluster-runs.ts';
import { disable, report, standBy } from './cluster-watch.ts';

/** Something that is tried in a cluster of each release. */
export interface ClusterCheck {
  readonly name: string;
  /** Asserts what an older Pacemaker does instead, and returns it in words; undefined when this one can do it. */
  readonly instead?: (testbed: Testbed) => Promise<string | undefined>;
  run(testbed: Testbed): Promise<void>;
}

/**
 * In this order, each in the state that the one before leaves. The reload is before any clean-up: after one, Pacemaker
 * knows the instance by a probe alone, and restarts it for a parameter that it would reload.
 */
export const CLUSTER_CHECKS: readonly ClusterCheck[] = [
  {
    name: "cluster: the README's commands for pcs make a group that runs",
    run: (testbed) => create(testbed, 'pcs'),
  },
  { name: 'cluster: Pacemaker reads the metadata without an error in its log', run: readMetadata },
  {
    name: 'cluster: a reloadable parameter is changed by reload-agent, and Kamailio runs on',
    instead: restart,
    run: reload,
  },
  { name: 'cluster: a crash is recovered', run: recover },
  { name: 'cluster: 190 is shown, and nothing is recovered', run: degrade },
  { name: 'cluster: a probe finds the running instance, and no second one is started', run: probe },
  { name: 'cluster: in maintenance nothing is recovered, after it what died is', run: maintain },
  { name: 'cluster: diagnose RESOURCE reads the parameters of this CIB', run: diagnose },
  { name: 'cluster: watch=sip reports a crash, long before the next monitor', run: report },
  { name: 'cluster: watch=sip reports no intended stop', run: disable },
  {
    name: "cluster: the README's commands for crm make a group that runs",
    run: (testbed) => create(testbed, 'crm'),
  },
  {
    name: "cluster: hot standby by the page's commands: a Kamailio that runs takes over after a crash and after a hang",
    run: standBy,
  },
];

/** Begins with an empty cluster. */
async function create(testbed: Testbed, tool: 'pcs' | 'crm'): Promise<void> {
  if ((await testbed.state()).resources.length > 0) await testbed.cleanUp();
  await testbed.node(1).mustRun(['sh', '-ec', readmeCommands(tool)]);
  await assertRuns(testbed);
}

/** Pacemaker has read it by now, for the probes and for the start. */
async function readMetadata(testbed: Testbed): Promise<void> {
  for (const node of testbed.nodes) {
    const log = node.log();
    assert.match(log, /kamailio_monitor_0/, `${node.name} has probed`);
    const errors = log.split('\n').filter((line) => /assertion|meta-?data.*(?:fail|error)/i.test(line));
    assert.equal(errors, [], node.name);
  }
}

async function recover(testbed: Testbed): Promise<void> {
  const node = await testbed.untilRunning(KAMAILIO);
  const pid = await mainPid(node);
  await node.mustRun(['kill', '-KILL', pid]);
  await testbed.waitFor(async () => (await testbed.state()).failures.length > 0, 'the crash is noted');
  await untilRestarted(testbed, pid);
  const [failure] = (await testbed.state()).failures;
  assert.equal([failure?.task, failure?.code], ['monitor', 1]);
  assert.match(failure?.reason ?? '', /^the main process is not known /);
  await testbed.command(['crm_resource', '--cleanup', '--resource', KAMAILIO]);
  await assertRuns(testbed);
}

async function reload(testbed: Testbed): Promise<void> {
  const node = await testbed.untilRunning(KAMAILIO);
  const pid = await mainPid(node);
  const start = node.log().length;
  await setParameter(testbed, 'probe_timeout', '4');
  await testbed.waitFor(() => /reload-agent/.test(node.log().slice(start)), 'reload-agent was called');
  await assertRuns(testbed);
  assert.is(await mainPid(node), pid);
}

/** Pacemaker 2.0 knows the reload of OCF 1.0 alone. */
async function restart(testbed: Testbed): Promise<string | undefined> {
  const version = /^Pacemaker (\d+)\.(\d+)/m.exec(await testbed.node(1).mustRun(['pacemakerd', '--version']));
  const [, major, minor] = version?.map(Number) ?? [];
  if (major === undefined || minor === undefined) throw new Error('pacemakerd prints no version');
  if (major > 2 || minor > 0) return undefined;
  const pid = await mainPid(await testbed.untilRunning(KAMAILIO));
  await setParameter(testbed, 'probe_timeout', '4');
  await untilRestarted(testbed, pid);
  await assertRuns(testbed);
  return 'Pacemaker 2.0 restarts it';
}

async function degrade(testbed: Testbed): Promise<void> {
  const node = await testbed.untilRunning(KAMAILIO);
  const pid = await mainPid(node);
  const isShown = async () => {
    const { failures, history } = await testbed.state();
    return [...failures, ...history].some(({ resource, code }) => resource === KAMAILIO && code === 190);
  };
  await node.mustRun(['mv', '/etc/kamailio/kamctlrc', '/etc/kamailio/kamctlrc.away']);
  try {
    await testbed.waitFor(isShown, '190 is shown');
    await testbed.settle();
    assert.match(await testbed.command(['crm_mon', '-1']), /kamctlrc \S+ is missing on this node/);
    assert.ok((await testbed.state()).history.every(({ failCount }) => failCount === 0));
    assert.is(await mainPid(node), pid);
  } finally {
    await node.mustRun(['mv', '/etc/kamailio/kamctlrc.away', '/etc/kamailio/kamctlrc']);
  }
  // Pacemaker 2.0 shows it until a clean-up.
  await testbed.command(['crm_resource', '--cleanup', '--resource', KAMAILIO]);
  await testbed.waitFor(async () => !(await isShown()), 'it is no longer shown');
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
    () => /Result of probe operation for kamailio on \S+: ok/i.test(node.log().slice(start)),
    'the probe has found it',
  );
  await assertRuns(testbed);
  assert.is(await mainPid(node), pid);
  for (const other of testbed.nodes.filter(({ name }) => name !== node.name))
    assert.equal(await kamailios(other), [], other.name);
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
  await untilRestarted(testbed, pid);
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
