/**
 * Measures what callers notice of this agent and of the shell agent, in turn in one cluster of three nodes: polls
 * from outside every 10 ms, and the cluster's own log. Prints a table of medians; writes dist/bench-cluster.json,
 * with every run, and dist/outage.svg.
 *
 *   node test/bench/outage/bench-cluster.ts [--runs=N] [--case=TEXT]
 *
 * N runs of each case with each agent (5); TEXT takes only the cases that have it in their name.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SERVICE_ADDRESS } from '../../cluster/testbed/configuration.ts';
import { createKamailio } from '../../cluster/testbed/kamailio.ts';
import { openTestbed } from '../../cluster/testbed/open.ts';
import { primitiveXml } from '../../cluster/testbed/resources.ts';
import type { Testbed } from '../../cluster/testbed/testbed.ts';
import { median } from '../measure.ts';
import { CASES, type Case, FOLLOWER } from './cases.ts';
import { type Bar, chart } from './chart.ts';
import { type Measurement, MONITOR_INTERVAL_S, measureCase } from './measure-case.ts';

/** All runs of a case, in the order in which they were made. */
interface Result {
  readonly name: string;
  readonly ours: Measurement[];
  readonly shell: Measurement[];
}

const AGENTS = ['ours', 'shell'] as const;

async function main(runs: number, part: string): Promise<void> {
  const cases = CASES.filter(({ name }) => name.includes(part));
  const testbed = await openTestbed();
  try {
    await createGroup(testbed);
    const prober = testbed.outside.start([
      process.execPath,
      fileURLToPath(new URL('prober.ts', import.meta.url)),
      SERVICE_ADDRESS,
      '5060',
    ]);
    const results = cases.map(({ name }): Result => ({ name, ours: [], shell: [] }));
    for (let run = 0; run < runs; run += 1) {
      for (const [index, one] of cases.entries()) {
        for (const agent of AGENTS) {
          const measurement = await measureCase(testbed, prober, one, agent, (run + 0.5) / runs);
          results[index]?.[agent].push(measurement);
          console.log(describeRun(one, agent, run, measurement));
        }
      }
    }
    await prober.stop();
    console.log(`\n${table(results)}`);
    write(
      'bench-cluster.json',
      `${JSON.stringify({ runs, monitorInterval: MONITOR_INTERVAL_S, results }, null, 2)}\n`,
    );
    write('outage.svg', chart('Time without an answer for callers', results.map(rowOf)));
  } finally {
    await testbed.close();
  }
}

/** Address, Kamailio, and a resource that waits for it, each with a monitor every 10 s. */
async function createGroup(testbed: Testbed): Promise<void> {
  const monitor = { name: 'monitor', interval: MONITOR_INTERVAL_S, timeout: 20 };
  const follower = primitiveXml({ id: FOLLOWER, type: 'Dummy', operations: [monitor] });
  await createKamailio(testbed, { monitorInterval: MONITOR_INTERVAL_S, followers: [follower] });
}

function describeRun({ name }: Case, agent: string, run: number, { outage, started }: Measurement): string {
  return `${name}, ${agent}, run ${run + 1}: outage ${inSeconds(outage)}, started again after ${inSeconds(started)}`;
}

function table(results: readonly Result[]): string {
  const rows = results.map(({ name, ours, shell }) => {
    const cells = (['outage', 'started'] as const).flatMap((what) => {
      const [mine, theirs] = [middle(ours, what), middle(shell, what)];
      return [inSeconds(mine), inSeconds(theirs), (mine / theirs).toFixed(2)];
    });
    return `| ${[name, ...cells].join(' | ')} |`;
  });
  return [
    '| case | outage | shell agent | ratio | started again | shell agent | ratio |',
    '|---|--:|--:|--:|--:|--:|--:|',
    ...rows,
  ].join('\n');
}

function rowOf({ name, ours, shell }: Result): { name: string; ours: Bar; shell: Bar } {
  return { name, ours: barOf(ours), shell: barOf(shell) };
}

function barOf(measurements: readonly Measurement[]): Bar {
  const seconds = measurements.map(({ outage }) => outage / 1000);
  return { median: median(seconds), least: Math.min(...seconds), most: Math.max(...seconds) };
}

function middle(measurements: readonly Measurement[], what: keyof Measurement): number {
  return median(measurements.map((measurement) => measurement[what]));
}

function inSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

function write(name: string, text: string): void {
  writeFileSync(fileURLToPath(new URL(`../../../dist/${name}`, import.meta.url)), text);
}

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '5' }, case: { type: 'string', default: '' } },
});
await main(Math.max(1, Number.parseInt(values.runs, 10) || 5), values.case);
