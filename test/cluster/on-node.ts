import * as assert from 'uvu/assert';
import { PIDFILE } from './testbed/kamailio.ts';
import type { TestbedNode } from './testbed/node.ts';
import type { Testbed } from './testbed/testbed.ts';

/** The pid of Kamailio's main process as its pidfile names it; empty when there is no pidfile. */
export async function mainPid(node: TestbedNode): Promise<string> {
  return `${(await node.read(PIDFILE)) ?? ''}`.trim();
}

/** Pids of the watchers on a node. */
export function watchers(node: TestbedNode): Promise<string[]> {
  return pidsOf(node, '-f', '^ocf-watcher: ');
}

/** Pids of all processes of all Kamailios on a node. */
export function kamailios(node: TestbedNode): Promise<string[]> {
  return pidsOf(node, '-x', 'kamailio');
}

/** Sends a signal to all processes of Kamailio on a node: KILL is a crash, STOP a hang. */
export async function strike(node: TestbedNode, signal: 'KILL' | 'STOP'): Promise<void> {
  await node.mustRun(['kill', `-${signal}`, ...(await kamailios(node))]);
}

/** The lines with which watchers on a node say that they report something. */
export function reports(node: TestbedNode): string[] {
  return node
    .log()
    .split('\n')
    .filter((line) => line.includes('; reporting it to the cluster (resource '));
}

/** Waits until a watcher on the node says that it reports something, after the first `before` lines. Throws when it says more. */
export async function untilReported(testbed: Testbed, node: TestbedNode, before: number): Promise<void> {
  await testbed.waitFor(() => reports(node).length > before, 'the watcher reports it');
  await testbed.settle();
  assert.is(reports(node).length, before + 1, reports(node).slice(before).join('\n'));
}

async function pidsOf(node: TestbedNode, ...search: readonly string[]): Promise<string[]> {
  const { stdout } = await node.run(['pgrep', ...search]);
  return stdout.split('\n').filter((pid) => pid !== '');
}
