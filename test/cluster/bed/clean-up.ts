import type { Bed } from './bed.ts';
import { crmConfigXml, SERVICE_ADDRESS } from './configuration.ts';
import { writeExamples } from './kamailio.ts';
import type { BedNode } from './node.ts';

/** How long resources may take to stop of themselves, before a test's leftovers are ended by force. ms */
const STOP_MS = 60_000;

/** See `Bed.cleanUp`. */
export async function cleanUp(bed: Bed): Promise<void> {
  for (const node of bed.nodes) {
    await node.boot();
    await node.heal();
    await node.useAgent('ours');
    writeExamples(node.diskRoot);
  }
  await bed.untilOnline();
  await resetConfiguration(bed);
  await untilEmpty(bed).catch(async () => {
    for (const node of bed.nodes) await endByForce(node);
    await bed.command(['crm_resource', '--cleanup']);
    await untilEmpty(bed);
  });
  await forgetFailures(bed);
  await bed.settle();
}

async function resetConfiguration(bed: Bed): Promise<void> {
  const sections = { resources: '<resources/>', constraints: '<constraints/>', crm_config: crmConfigXml() };
  for (const [scope, xml] of Object.entries(sections).reverse())
    await bed.command(['cibadmin', '--replace', '--scope', scope, '--xml-text', xml]);
  for (const xpath of ['//nodes/node/instance_attributes', '//rsc_defaults/*', '//op_defaults/*'])
    await bed.command(['cibadmin', '--delete-all', '--force', '--xpath', xpath]);
}

/** What is no longer configured the cluster stops. */
async function untilEmpty(bed: Bed): Promise<void> {
  await bed.waitFor(
    async () => (await bed.state()).resources.length === 0,
    'all resources are gone',
    STOP_MS,
  );
}

/** For resources that a test has left in a state in which they cannot be stopped. */
async function endByForce(node: BedNode): Promise<void> {
  const { stdout } = await node.run(['pgrep', '-x', 'kamailio']);
  const pids = stdout.split('\n').filter((pid) => pid !== '');
  if (pids.length > 0) await node.run(['kill', '-KILL', ...pids]);
  await node.run(['ip', 'address', 'delete', `${SERVICE_ADDRESS}/24`, 'dev', 'eth0']);
}

/** Fail counts outlive their resources, and the next test's may bear the same names. */
async function forgetFailures(bed: Bed): Promise<void> {
  const xpath = '//transient_attributes//nvpair';
  const pairs = await bed.command(['cibadmin', '--query', '--xpath', xpath]).catch(() => '');
  const names = new Set(
    [...pairs.matchAll(/name="((?:fail-count|last-failure)-[^"]+)"/g)].map(([, name]) => name),
  );
  for (const name of names) {
    for (const node of bed.nodes)
      await bed.command(['attrd_updater', '--delete', '--name', `${name}`, '--node', node.name]);
  }
}
