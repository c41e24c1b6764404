import { PIDFILE } from '../../cluster/testbed/kamailio.ts';
import type { TestbedNode } from '../../cluster/testbed/node.ts';

export async function mainOf(node: TestbedNode): Promise<string> {
  return (await node.mustRun(['cat', PIDFILE])).trim();
}

/** The main process first, then its children; pids as the node has them. */
export async function processesOf(node: TestbedNode): Promise<string[]> {
  const main = await mainOf(node);
  const children = await node.mustRun(['cat', `/proc/${main}/task/${main}/children`]);
  return [main, ...children.trim().split(' ')];
}

export async function signal(
  node: TestbedNode,
  name: 'KILL' | 'STOP',
  pids: readonly string[],
): Promise<void> {
  await node.mustRun(['kill', `-${name}`, '--', ...pids]);
}
