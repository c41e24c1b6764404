import { chmodSync, chownSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { account } from '../../support/ordinary-user.ts';
import { corosyncConf, firstCib, OUTSIDE_ADDRESS } from './configuration.ts';
import type { Init } from './enter.ts';
import { end, findInit, type Life, startInit } from './init.ts';
import { writeExamples } from './kamailio.ts';
import { rootOfNodes } from './needs.ts';
import { knownNode, makeNode, type TestbedNode } from './node.ts';
import { diskPath } from './power.ts';
import { assembleTestbed, type Testbed } from './testbed.ts';

export interface TestbedOptions {
  /** 3 unless said otherwise. */
  readonly nodes?: number;
  /** What `findTestbed` finds it by. */
  readonly label?: string;
  /** Whether the testbed ends with this process, however that ends; yes (tied) unless said otherwise. */
  readonly life?: Life;
  /** Root of the release that the nodes run; the machine's own unless said otherwise. */
  readonly root?: string;
}

/**
 * Makes a cluster and returns when all its nodes are online and one of them is the coordinator. Throws, and
 * leaves nothing, when that does not come about.
 */
export async function openTestbed({
  nodes: count = 3,
  label,
  life = 'tied',
  root = rootOfNodes(),
}: TestbedOptions = {}): Promise<Testbed> {
  const init = await startInit(label ?? `test of ${process.pid}`, life, OUTSIDE_ADDRESS);
  try {
    const numbers = Array.from({ length: count }, (_, index) => index + 1);
    const nodes = await Promise.all(numbers.map((number) => makeNode(init, number, root)));
    for (const node of nodes) configure(init, node, count, root);
    await Promise.all(nodes.map((node) => node.boot()));
    const testbed = assembleTestbed(init, nodes);
    await testbed.untilOnline();
    return testbed;
  } catch (error) {
    await end(init);
    throw error;
  }
}

/** A testbed that was opened with a label of its own and lives; undefined when there is none. */
export function findTestbed(label: string): Testbed | undefined {
  const init = findInit(label);
  if (!init) return undefined;
  const place = `/proc/${init.pid}/root/run/bed`;
  // The testbed may just be coming up.
  const names = existsSync(place) ? readdirSync(place) : [];
  const nodes = names.map((name) => knownNode(init, Number(name.replace(/\D+/, ''))));
  return assembleTestbed(
    init,
    nodes.sort((a, b) => a.number - b.number),
  );
}

function configure(testbed: Init, node: TestbedNode, count: number, root: string): void {
  const path = (name: string) => diskPath({ testbed, name: node.name, address: node.address }, name);
  writeFileSync(path('etc/corosync/corosync.conf'), corosyncConf(count));
  const cib = path('var/lib/pacemaker/cib/cib.xml');
  writeFileSync(cib, firstCib());
  const { uid, gid } = account('hacluster', root);
  chownSync(cib, uid, gid);
  chmodSync(cib, 0o600);
  writeExamples(node.diskRoot);
}
