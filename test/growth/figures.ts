/**
 * Measures what a healthy monitor costs as a node grows, beside the shell agent: among unrelated processes, with
 * many instances, and over many calls. Prints a table and writes it to dist/growth.json.
 *
 *   node test/growth/figures.ts [--processes=5000] [--instances=1,10,50] [--seconds=30] [--monitors=10000]
 *       [--shell-monitors=200] [--rounds=30]
 *
 * A count of 0 leaves that measurement out.
 *
 * CPU time is that of the agent and all it calls, from the kernel's account of ended children (proc(5), cutime and
 * cstime of /proc/PID/stat); that of Kamailio, which answers, is not in it.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median } from '../bench/measure.ts';
import { withCrowd } from './crowd.ts';
import { countLeavings, type Leavings, replyFifos } from './leavings.ts';
import { type Cost, costOf, type Pair, withInstances } from './monitors.ts';

/** One row of the table: the same for the agent and the shell agent. */
type Row = readonly [what: string, ours: string, shell: string];

const AGENTS = ['ours', 'shell'] as const;

type Costs = Readonly<Record<'ours' | 'shell', Cost[]>>;

const BLOCKS = 10;
const LANES = 4;
/** What is left is counted each time that so many monitors more are through. */
const SAMPLE_EVERY = 1000;

/** Wall and CPU time of a monitor among `count` unrelated processes, over those among none. */
async function amongProcesses(count: number, rounds: number): Promise<Row[]> {
  return withInstances(1, async ([pair]) => {
    if (!pair) throw new Error('no instance');
    const [alone, among] = [noCosts(), noCosts()];
    // In turn, so that what else the machine does meets both alike.
    for (let block = 0; block < BLOCKS; block += 1) {
      await alternate(pair, rounds / BLOCKS, alone);
      await withCrowd(count, () => alternate(pair, rounds / BLOCKS, among));
    }
    return (['wall', 'cpu'] as const).map((kind): Row => {
      const cells = AGENTS.map((agent) => {
        // The kernel counts CPU time in hundredths of a second: only the mean of many runs is finer.
        const middle = kind === 'wall' ? median : mean;
        const [few, many] = [alone, among].map((costs) => middle(costs[agent].map((cost) => cost[kind])));
        return `${few?.toFixed(0)} → ${many?.toFixed(0)} ms, ×${((many ?? 0) / (few ?? 1)).toFixed(2)}`;
      });
      const name = kind === 'wall' ? 'time' : 'CPU time';
      return [`${name} of a monitor: 0 → ${count} unrelated processes`, cells[0] ?? '', cells[1] ?? ''];
    });
  });
}

function noCosts(): Costs {
  return { ours: [], shell: [] };
}

/** Runs the monitors of both agents in turn, one round more than is added to `costs`, the first to warm up. */
async function alternate(pair: Pair, rounds: number, costs: Costs): Promise<void> {
  for (let round = 0; round <= rounds; round += 1) {
    for (const agent of AGENTS) {
      const cost = await costOf(pair[agent]);
      if (round > 0) costs[agent].push(cost);
    }
  }
}

/** CPU time a minute of `count` instances, each monitored every 10 s, their monitors spread over that time. */
async function withManyInstances(count: number, seconds: number): Promise<Row> {
  return withInstances(count, async (pairs) => {
    const cells: string[] = [];
    for (const agent of AGENTS) {
      let cpu = 0;
      const end = performance.now() + seconds * 1000;
      for (let turn = 0, due = performance.now(); due < end; turn += 1, due += 10_000 / count) {
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
        const pair = pairs[turn % count];
        if (pair) cpu += (await costOf(pair[agent])).cpu;
      }
      cells.push(`${((cpu / 1000) * (60 / seconds)).toFixed(2)} s`);
    }
    return [
      `CPU time a minute: ${count} ${count === 1 ? 'instance' : 'instances'}, a monitor every 10 s each`,
      cells[0] ?? '',
      cells[1] ?? '',
    ];
  });
}

/** What is left after so many monitors, in lanes of one after the other. */
async function leftBy(counts: Readonly<Record<'ours' | 'shell', number>>): Promise<Row> {
  return withInstances(1, async ([pair]) => {
    if (!pair) throw new Error('no instance');
    const cells: string[] = [];
    for (const agent of AGENTS) {
      await costOf(pair[agent]);
      const fifos = replyFifos();
      const before = await countLeavings(pair.instance, fifos);
      const lane = async (monitors: number) => {
        for (let count = 0; count < monitors; count += 1) await costOf(pair[agent]);
      };
      let done = 0;
      let left = '';
      while (done < counts[agent]) {
        const each = Math.ceil(Math.min(SAMPLE_EVERY, counts[agent] - done) / LANES);
        await Promise.all(Array.from({ length: LANES }, () => lane(each)));
        done += each * LANES;
        left = `${done} monitors: ${describe(before, await countLeavings(pair.instance, fifos))}`;
        // It takes a quarter of an hour: for the one who waits.
        console.error(`${agent}: ${left}`);
      }
      cells.push(left);
    }
    return [`left by monitors, ${LANES} at a time`, cells[0] ?? '', cells[1] ?? ''];
  });
}

function describe(before: Leavings, after: Leavings): string {
  const names = ['files', 'fifos', 'descriptors', 'processes', 'bytes'] as const;
  return names.map((name) => `${after[name] - before[name]} ${name}`).join(', ');
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function table(rows: readonly Row[]): string {
  return ['| | agent | shell agent |', '|---|---|---|', ...rows.map((row) => `| ${row.join(' | ')} |`)].join(
    '\n',
  );
}

const { values } = parseArgs({
  options: {
    processes: { type: 'string', default: '5000' },
    instances: { type: 'string', default: '1,10,50' },
    seconds: { type: 'string', default: '30' },
    monitors: { type: 'string', default: '10000' },
    'shell-monitors': { type: 'string', default: '200' },
    rounds: { type: 'string', default: '30' },
  },
});
const rows =
  values.processes === '0' ? [] : await amongProcesses(Number(values.processes), Number(values.rounds));
for (const count of values.instances.split(',').map(Number).filter(Boolean))
  rows.push(await withManyInstances(count, Number(values.seconds)));
if (values.monitors !== '0')
  rows.push(await leftBy({ ours: Number(values.monitors), shell: Number(values['shell-monitors']) }));
console.log(table(rows));
const file = fileURLToPath(new URL('../../dist/growth.json', import.meta.url));
writeFileSync(file, `${JSON.stringify(rows, null, 2)}\n`);
