import * as assert from 'uvu/assert';
import { watchers } from '../on-node.ts';
import { SERVICE_ADDRESS } from '../testbed/configuration.ts';
import { KAMAILIO, PIDFILE } from '../testbed/kamailio.ts';
import { AGENT_PATH, type TestbedNode } from '../testbed/node.ts';
import type { Testbed } from '../testbed/testbed.ts';
import { WATCH } from './configuration.ts';
import { failCount, kamailioPids, type Service } from './service.ts';

/** The command line of an agent at work; the bracket keeps a search for it from finding itself. */
const AGENT_CALL = `${AGENT_PATH} [a-z]`;

/** For `find`: the FIFO that a start leaves for the monitors. */
const NO_SPARE = ['!', '-name', 'kamailio_ocf_spare_*'];

/**
 * What holds after every fault. Throws when it does not.
 * - A caller outside is answered on the service's address.
 * - Exactly one node has the address, and the one Kamailio there is: one main process, named by the pidfile.
 * - The other nodes have no process of the instance, no pidfile, no directory of it.
 * - With FAULT_WATCH the one Kamailio has one watcher, and no other node has any.
 * - No node has a FIFO for a reply, but for the spare one where Kamailio runs, or a call of the agent, left over.
 */
export async function assertHolds(testbed: Testbed): Promise<void> {
  await testbed.waitFor(() => testbed.answers(), 'callers are answered');
  const home = await testbed.runningOn(KAMAILIO);
  assert.ok(home, 'Kamailio runs on one node');
  const assertNode = async (node: TestbedNode) => {
    const isHome = node.name === home.name;
    const address = await node.mustRun(['ip', '-o', 'address', 'show', 'to', SERVICE_ADDRESS]);
    assert.is(address !== '', isHome, `${SERVICE_ADDRESS} on ${node.name}: ${address}`);
    if (isHome) await assertOneKamailio(node);
    else await assertNoTrace(node);
    await testbed.waitFor(async () => {
      return (await watchers(node)).length === (isHome && WATCH !== 'off' ? 1 : 0);
    }, `there are as many watchers on ${node.name} as there should be`);
    await testbed.waitFor(async () => {
      const fifos = await node.mustRun(['find', '/tmp', '-type', 'p', ...(isHome ? NO_SPARE : [])]);
      // Monitors come and go: a moment without any is waited for.
      const { stdout: calls } = await node.run(['pgrep', '-a', '-f', AGENT_CALL]);
      assert.is(fifos + calls, '', `There are: ${fifos}${calls}`);
      return true;
    }, `no FIFO and no call of the agent is left on ${node.name}`);
  };
  await Promise.all(testbed.nodes.map(assertNode));
}

/** Throws when an operation of Kamailio has failed since the fault began, or its watcher has reported it. */
export async function assertNoFailure(service: Service): Promise<void> {
  // 190 is shown among the failures, but counts as none.
  const failures = await service.failures();
  assert.equal(
    failures.filter(({ code }) => code !== 190),
    [],
  );
  assert.is(await failCount(service), service.failCount, 'no failure is counted');
}

async function assertOneKamailio(node: TestbedNode): Promise<void> {
  const pids = await kamailioPids(node);
  const main = Number(await node.read(PIDFILE));
  const table = await node.mustRun(['ps', '-o', 'pid=,ppid=', '-p', pids.join()]);
  const heads = table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, parent = 0]) => !pids.includes(parent));
  assert.equal(
    heads.map(([pid]) => pid),
    [main],
    `one main process on ${node.name}, that of the pidfile: ${table}`,
  );
}

async function assertNoTrace(node: TestbedNode): Promise<void> {
  assert.equal(await kamailioPids(node), [], `no Kamailio on ${node.name}`);
  const directory = PIDFILE.replace(/\/[^/]*$/, '');
  assert.is((await node.run(['test', '-e', directory])).code, 1, `no ${directory} on ${node.name}`);
}
