import { crmConfigXml, SERVICE_ADDRESS } from './configuration.ts';
import { writeExamples } from './kamailio.ts';
import type { TestbedNode } from './node.ts';
import type { Testbed } from './testbed.ts';

/** How long resources may take to stop of themselves, before a test's leftovers are ended by force. ms */
const STOP_MS = 60_000;

/** See `Testbed.cleanUp`. */
export async function cleanUp(testbed: Testbed): Promise<void> {
  for (const node of testbed.nodes) {
    await node.boot();
    await node.heal();
    await node.useAgent('ours');
    writeExamples(node.diskRoot);
  }
  await testbed.untilOnline();
  await resetConfiguration(testbed);
  await untilEmpty(testbed).catch(async () => {
    for (const node of testbed.nodes) await endByForce(node);
    await testbed.command(['crm_resource', '--cleanup']);
    await untilEmpty(testbed);
  });
  await forgetFailures(testbed);
  await testbed.settle();
}

async function resetConfiguration(testbed: Testbed): Promise<void> {
  const sections = { resources: '<resources/>', constraints: '<constraints/>', crm_config: crmConfigXml() };
  for (const [scope, xml] of Object.entries(sections).reverse())
    await testbed.command(['cibadmin', '--replace', '--scope', scope, '--xml-text', xml]);
  for (const xpath of ['//nodes/node/instance_attributes', '//rsc_defaults/*', '//op_defaults/*'])
    await testbed.command(['cibadmin', '--delete-all', '--force', '--xpath', xpath]);
}

/** What is no longer configured the cluster stops. */
async function untilEmpty(testbed: Testbed): Promise<void> {
  await testbed.waitFor(
    async () => (await testbed.state()).resources.length === 0,
    'all resources are gone',
    STOP_MS,
  );
}

/** For resources that a test has left in a state in which they cannot be stopped. */
async function endByForce(node: TestbedNode): Promise<void> {
  const { stdout } = await node.run(['pgrep', '-x', 'kamailio']);
  const pids = stdout.split('\n').filter((pid) => pid !== '');
  if (pids.length > 0) await node.run(['kill', '-KILL', ...pids]);
  await node.run(['ip', 'address', 'delete', `${SERVICE_ADDRESS}/24`, 'dev', 'eth0']);
}

/** Fail counts outlive their resources, and the next test's may bear the same names. */
async function forgetFailures(testbed: Testbed): Promise<void> {
  const xpath = '//transient_attributes//nvpair';
  const pairs = await testbed.command(['cibadmin', '--query', '--xpath', xpath]).catch(() => '');
  const names = new Set(
    [...pairs.matchAll(/name="((?:fail-count|last-failure)-[^"]+)"/g)].map(([, name]) => name),
  );
  for (const name of names) {
    for (const node of testbed.nodes)
      await testbed.command(['attrd_updater', '--delete', '--name', `${name}`, '--node', node.name]);
  }
}
