/**
 * Measures the built agent against the shell agent of the package resource-agents and against a bare
 * Node.js. Prints a table of medians and writes it to dist/bench.json. A figure over its bound is shown as
 * such and is no error: the exit code tells only whether everything could be measured.
 *
 *   node test/bench/bench.ts [--pairs=N] [--node=PATH] [--before=FILE]
 *
 * N pairs of start and stop (15), twice as many of the short actions; PATH is the Node.js that runs the
 * script (the one that runs this). With FILE, an older build of the script, only that one is compared with.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeInstance, type TestInstance } from '../support/instance.ts';
import { type Agents, prepareAgents } from './agents.ts';
import { measureBefore } from './before.ts';
import { measureDelivery } from './delivery.ts';
import { measureDepth } from './depth.ts';
import { type LifeTimes, measureLife } from './life.ts';
import { interleave, median, run, series } from './measure.ts';
import { type Figure, summary, table } from './report.ts';

const NEEDED = [
  '/usr/sbin/kamailio',
  '/usr/sbin/kamctl',
  '/usr/bin/sipsak',
  '/usr/lib/ocf/resource.d/heartbeat/kamailio',
];

async function main(pairs: number, node: string, before?: string): Promise<void> {
  const missing = NEEDED.filter((path) => !existsSync(path));
  if (missing.length > 0) throw new Error(`not installed here: ${missing.join(', ')}`);
  const conditions = {
    node: execFileSync(node, ['--version'], { encoding: 'utf8' }).trim(),
    kamailio: /kamailio (\S+)/.exec(execFileSync(NEEDED[0] ?? '', ['-v'], { encoding: 'utf8' }))?.[1] ?? '',
    cores: cpus().length,
    pairs,
  };
  console.log(
    `Node.js ${conditions.node}, Kamailio ${conditions.kamailio}, ${conditions.cores} cores; medians of ${pairs} pairs of start and stop, ${2 * pairs} of the rest\n`,
  );
  if (before !== undefined) {
    console.log(table(await measureBefore(before, node, pairs)));
    return;
  }
  const instance = await makeInstance();
  const stopEarly = () => instance.dispose().then(() => process.exit(1));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stopEarly);
  try {
    const figures = [
      ...(await measure(instance, prepareAgents(instance, node), pairs)),
      ...(await measureDepth(node, 2 * pairs)),
      ...(await measureDelivery(instance, node, 2 * pairs)),
    ];
    console.log(table(figures));
    const file = fileURLToPath(new URL('../../dist/bench.json', import.meta.url));
    writeFileSync(file, `${JSON.stringify({ ...conditions, figures: summary(figures) }, null, 2)}\n`);
  } finally {
    await instance.dispose();
  }
}

async function measure(instance: TestInstance, agents: Agents, pairs: number): Promise<Figure[]> {
  const monitor = { ours: series(agents.ours('monitor')), shell: series(agents.shell('monitor')) };
  const metadata = series(agents.ours('meta-data'));
  const bare = { monitor: series(agents.bareNode), metadata: series(agents.bareNode) };
  await run(agents.ours('start'));
  await interleave([monitor.ours, monitor.shell, bare.monitor], 2 * pairs);
  await run(agents.ours('stop'));
  await interleave([metadata, bare.metadata], 2 * pairs);
  const life = await measureLife(instance, agents.ours, agents.shell, pairs);
  const ours = median(monitor.ours.times);
  return [
    { name: 'healthy monitor / shell agent', ours, reference: median(monitor.shell.times), bound: 0.5 },
    { name: 'healthy monitor / `node -e 0`', ours, reference: median(bare.monitor.times), bound: 1.8 },
    {
      name: 'meta-data / `node -e 0`',
      ours: median(metadata.times),
      reference: median(bare.metadata.times),
    },
    ...lifeFigures(life.ours, life.other),
  ];
}

function lifeFigures(ours: LifeTimes, shell: LifeTimes): Figure[] {
  return [
    { name: 'start / shell agent', ours: ours.start, reference: shell.start, bound: 0.08 },
    { name: 'start: first 200 / shell agent', ours: ours.startToAnswer, reference: shell.startToAnswer },
    { name: 'start: return after the first 200', ours: ours.startAfterAnswer, limit: 60 },
    { name: 'stop / shell agent', ours: ours.stop, reference: shell.stop },
    { name: "stop: return after the last process's end", ours: ours.stopAfterEnd, limit: 50 },
  ];
}

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '15' },
    node: { type: 'string', default: process.execPath },
    before: { type: 'string' },
  },
});
await main(Math.max(1, Number.parseInt(values.pairs, 10) || 15), values.node, values.before);
