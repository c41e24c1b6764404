/**
 * Measures what callers notice with a watcher: of a Kamailio that is recovered in place, and of a hot standby; beside
 * it, without a watcher, a monitor every second. Polls from outside every 10 ms. Prints a table of median and worst.
 *
 *   node test/bench/outage/watch-outage.ts [--runs=N] [--set-up=TEXT]
 *
 * N runs of each case (10); TEXT takes only the set-ups that have it in their name.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SERVICE_ADDRESS } from '../../cluster/testbed/configuration.ts';
import type { Program } from '../../cluster/testbed/enter.ts';
import {
  ADDRESS_RESOURCE,
  createKamailio,
  GROUP,
  KAMAILIO,
  kamailioOperations,
} from '../../cluster/testbed/kamailio.ts';
import type { TestbedNode } from '../../cluster/testbed/node.ts';
import { openTestbed } from '../../cluster/testbed/open.ts';
import { cloneXml, primitiveXml } from '../../cluster/testbed/resources.ts';
import type { Testbed } from '../../cluster/testbed/testbed.ts';
import { median } from '../measure.ts';
import { mainOf, processesOf, signal } from './cases.ts';
import { longestGap } from './gap.ts';
import { timesOf, waitForService } from './measure-case.ts';

interface SetUp {
  readonly name: string;
  /** The resource that moves. */
  readonly moves: string;
  create(testbed: Testbed): Promise<void>;
}

type Happening = readonly [string, (testbed: Testbed, node: TestbedNode, moves: string) => Promise<void>];

const WATCH = { watch: 'sip', watch_timeout: '2' };

const SET_UPS: readonly SetUp[] = [
  {
    name: 'monitor every second',
    moves: GROUP,
    create: (testbed) => createKamailio(testbed, { monitorInterval: 1 }),
  },
  {
    name: 'watch=sip, in place',
    moves: GROUP,
    create: (testbed) => createKamailio(testbed, { params: WATCH }),
  },
  { name: 'watch=sip, hot standby', moves: ADDRESS_RESOURCE, create: createStandby },
];

const HAPPENINGS: readonly Happening[] = [
  ['crash of all of Kamailio', async (_, node) => signal(node, 'KILL', await processesOf(node))],
  ['crash of the main process', async (_, node) => signal(node, 'KILL', [await mainOf(node)])],
  ['hang (SIGSTOP of all)', async (_, node) => signal(node, 'STOP', await processesOf(node))],
  [
    'planned move',
    async (testbed, node, moves) => {
      const other = testbed.nodes.find(({ name }) => name !== node.name)?.name ?? '';
      await testbed.command(['crm_resource', '--resource', moves, '--move', '--node', other]);
    },
  ],
];

async function main(runs: number, part: string): Promise<void> {
  const testbed = await openTestbed();
  const rows: string[] = [];
  try {
    const prober = testbed.outside.start([
      process.execPath,
      fileURLToPath(new URL('prober.ts', import.meta.url)),
      SERVICE_ADDRESS,
      '5060',
    ]);
    for (const setUp of SET_UPS.filter(({ name }) => name.includes(part))) {
      await testbed.cleanUp();
      await setUp.create(testbed);
      for (const happening of HAPPENINGS) {
        const outages: number[] = [];
        for (let run = 0; run < runs; run += 1)
          outages.push(await measure(testbed, prober, setUp, happening, (run + 0.5) / runs));
        rows.push(
          `| ${setUp.name} | ${happening[0]} | ${inSeconds(median(outages))} | ${inSeconds(Math.max(...outages))} |`,
        );
        console.log(rows.at(-1));
      }
    }
    await prober.stop();
  } finally {
    await testbed.close();
  }
  console.log(['', '| set-up | case | median | worst |', '|---|---|--:|--:|', ...rows].join('\n'));
}

/** ms without an answer. `phase`, 0 to 1, is the part of a second that passes before: a monitor may be due at any point. */
async function measure(
  testbed: Testbed,
  prober: Program,
  { moves }: SetUp,
  [, happen]: Happening,
  phase: number,
): Promise<number> {
  await waitForService(testbed, prober);
  await new Promise((resolve) => setTimeout(resolve, phase * 1000));
  const node = await testbed.untilRunning(ADDRESS_RESOURCE);
  const since = Date.now();
  await happen(testbed, node, moves);
  // The service has not noticed yet.
  await testbed.waitFor(async () => Date.now() - since > 1000 || undefined, 'it has taken effect');
  await waitForService(testbed, prober);
  const gap = longestGap(timesOf(prober.stdout()), since);
  if (!gap) throw new Error('no poll was answered before the case began');
  await testbed.command(['crm_resource', '--resource', moves, '--clear']).catch(() => '');
  await testbed.command(['crm_resource', '--cleanup']);
  await testbed.settle();
  return gap.to - Math.max(gap.from, since);
}

/** As the page on hot standby has it. */
async function createStandby(testbed: Testbed): Promise<void> {
  for (const node of testbed.nodes) await node.mustRun(['sysctl', '-qw', 'net.ipv4.ip_nonlocal_bind=1']);
  const member = primitiveXml({
    id: KAMAILIO,
    type: 'kamailio',
    params: { listen_address: SERVICE_ADDRESS, kamuser: 'kamailio', kamgroup: 'kamailio', ...WATCH },
    meta: { 'migration-threshold': '1', 'failure-timeout': '30s' },
    operations: kamailioOperations(10),
  });
  await testbed.createResource(cloneXml('kamailio-clone', member, { interleave: 'true' }));
  await testbed.createResource(
    primitiveXml({
      id: ADDRESS_RESOURCE,
      type: 'IPaddr2',
      params: { ip: SERVICE_ADDRESS, cidr_netmask: '24', nic: 'eth0' },
      meta: { 'resource-stickiness': '100' },
      operations: [{ name: 'monitor', interval: 10, timeout: 60 }],
    }),
  );
  const colocation = `<rsc_colocation id="sip_ip-with-kamailio" rsc="${ADDRESS_RESOURCE}" with-rsc="kamailio-clone" score="INFINITY"/>`;
  await testbed.command(['cibadmin', '--create', '--scope', 'constraints', '--xml-text', colocation]);
  await testbed.untilRunning(ADDRESS_RESOURCE);
  await testbed.settle();
}

function inSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '10' }, 'set-up': { type: 'string', default: '' } },
});
await main(Math.max(1, Number.parseInt(values.runs, 10) || 10), values['set-up']);
