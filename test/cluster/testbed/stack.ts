import { until } from '../../support/instance.ts';
import type { TestbedNode } from './node.ts';

/** What a service of the system has for its environment. */
const SERVICE = { PCMK_service: 'pacemakerd' };

/** Generous: either takes a second or two, but many on a machine that is overloaded. ms */
const START_MS = 90_000;
const STOP_MS = 120_000;
/** A daemon that is just coming up may leave a question without an answer. ms */
const ANSWER_MS = 10_000;

/**
 * Starts corosync and pacemakerd on a node, as their services do; one that runs is left alone. Returns when the
 * local cluster answers. Throws with their output when they do not come up.
 */
export async function startStack(node: TestbedNode): Promise<void> {
  if (!(await corosyncAnswers(node))) {
    await launch(node, 'corosync', '/var/log/corosync/corosync.log');
    await until(() => corosyncAnswers(node), `corosync answers on ${node.name}`, START_MS);
  }
  if (!(await pacemakerAnswers(node))) {
    await launch(node, 'pacemakerd', '/var/log/pacemaker/pacemakerd.out');
    await until(() => pacemakerAnswers(node), `pacemakerd answers on ${node.name}`, START_MS);
  }
}

/** Shuts both down in good order: the cluster moves what runs here, and stops it. */
export async function stopStack(node: TestbedNode): Promise<void> {
  await node.mustRun(['pacemakerd', '--shutdown'], { timeoutMs: STOP_MS });
  await until(() => hasEnded(node, 'pacemakerd'), `pacemakerd has ended on ${node.name}`, STOP_MS);
  await node.mustRun(['corosync-cfgtool', '-H']);
  await until(() => hasEnded(node, 'corosync'), `corosync has ended on ${node.name}`, STOP_MS);
}

async function launch(node: TestbedNode, program: string, log: string): Promise<void> {
  const start = `setsid --fork ${program} -f >>${log} 2>&1 </dev/null`;
  await node.mustRun(['sh', '-c', start], { env: SERVICE });
}

async function corosyncAnswers(node: TestbedNode): Promise<boolean> {
  return (await node.run(['corosync-cmapctl', '-g', 'totem.version'], { timeoutMs: ANSWER_MS })).code === 0;
}

async function pacemakerAnswers(node: TestbedNode): Promise<boolean> {
  return (
    (await node.run(['cibadmin', '--query', '--local', '--scope', 'crm_config'], { timeoutMs: ANSWER_MS }))
      .code === 0
  );
}

async function hasEnded(node: TestbedNode, program: string): Promise<boolean> {
  return (await node.run(['pgrep', '-x', program])).code === 1;
}
