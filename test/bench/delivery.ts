import { execFileSync } from 'node:child_process';
import { existsSync, globSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AGENT } from '../support/agent.ts';
import type { TestInstance } from '../support/instance.ts';
import { type Agents, prepareAgents } from './agents.ts';
import { interleave, median, run, series } from './measure.ts';
import { anonymousMemory } from './memory.ts';
import type { Figure } from './report.ts';

const dist = fileURLToPath(new URL('../../dist/', import.meta.url));
const BINARY = `${dist}linux-${process.arch}/kamailio`;
/** The Node.js that is in the binary, as npm packages it. */
const OWN_NODE = fileURLToPath(
  new URL(`../../node_modules/node-linux-${process.arch}/bin/node`, import.meta.url),
);
const DEB_ARCHITECTURE = process.arch === 'x64' ? 'amd64' : process.arch;
/** Readings of the memory; they hardly differ. */
const MEMORY_ROUNDS = 5;

/**
 * Measures what is delivered beside the script: the standalone binary's size, times and memory, and the size of
 * the deb. What has not been built is left out, and a line says so.
 */
export async function measureDelivery(
  instance: TestInstance,
  node: string,
  rounds: number,
): Promise<Figure[]> {
  if (!existsSync(BINARY)) {
    console.log(`without the standalone binary: \`npm run build:binary\` makes ${BINARY}\n`);
    return [];
  }
  warnOfOldBinary(node);
  const script = prepareAgents(instance, node);
  const binary = prepareAgents(instance, node, BINARY);
  await run(script.ours('start'));
  const figures = [
    { name: 'binary: size', unit: 'MB', ours: megabytes(BINARY), limit: 115 } as const,
    ...debSize(),
    ...(await measureTimes(script, binary, rounds)),
    ...(await measureMemory(script, binary, instance)),
  ];
  await run(script.ours('stop'));
  return figures;
}

async function measureTimes(script: Agents, binary: Agents, rounds: number): Promise<Figure[]> {
  const metadata = {
    binary: series(binary.ours('meta-data')),
    bare: series(script.bareNode),
    shell: series(script.shell('meta-data')),
  };
  const monitor = {
    binary: series(binary.ours('monitor')),
    script: series(script.ours('monitor')),
    shell: series(script.shell('monitor')),
    bare: series({ ...script.bareNode, program: OWN_NODE }),
  };
  await interleave(Object.values(metadata), rounds);
  await interleave(Object.values(monitor), rounds);
  const ours = { metadata: median(metadata.binary.times), monitor: median(monitor.binary.times) };
  return [
    {
      name: 'binary: meta-data / `node -e 0`',
      ours: ours.metadata,
      reference: median(metadata.bare.times),
      bound: 1.35,
    },
    {
      name: 'binary: meta-data / shell agent',
      ours: ours.metadata,
      reference: median(metadata.shell.times),
    },
    {
      name: 'binary: healthy monitor / script',
      ours: ours.monitor,
      reference: median(monitor.script.times),
    },
    {
      name: 'binary: healthy monitor / shell agent',
      ours: ours.monitor,
      reference: median(monitor.shell.times),
      bound: 0.38,
    },
    {
      name: 'binary: healthy monitor / `node -e 0`',
      ours: ours.monitor,
      reference: median(monitor.bare.times),
      bound: 1.5,
    },
  ];
}

async function measureMemory(script: Agents, binary: Agents, instance: TestInstance): Promise<Figure[]> {
  const memory = { binary: [] as number[], script: [] as number[], shell: [] as number[] };
  for (let round = 0; round < MEMORY_ROUNDS; round += 1) {
    memory.binary.push(await anonymousMemory(binary.ours('monitor'), instance.port));
    memory.script.push(await anonymousMemory(script.ours('monitor'), instance.port));
    memory.shell.push(await anonymousMemory(script.shell('monitor'), instance.port));
  }
  const reference = median(memory.shell);
  return [
    {
      name: 'binary: memory of a monitor / shell agent',
      unit: 'MB',
      ours: median(memory.binary),
      reference,
      limit: 15,
    },
    { name: 'script: memory of a monitor / shell agent', unit: 'MB', ours: median(memory.script), reference },
  ];
}

function debSize(): Figure[] {
  const [deb] = globSync(`${dist}*_${DEB_ARCHITECTURE}.deb`);
  if (deb) return [{ name: 'deb: size', unit: 'MB', ours: megabytes(deb), limit: 30 }];
  console.log(`without the deb: \`npm run package\` makes ${dist}*_${DEB_ARCHITECTURE}.deb\n`);
  return [];
}

function megabytes(path: string): number {
  return statSync(path).size / 1e6;
}

/** The script is built anew for each bench, the binary is not: a minute is too long for that. */
function warnOfOldBinary(node: string): void {
  const commitOf = (...command: readonly [string, ...string[]]) =>
    /commit ([^,]*)/.exec(
      execFileSync(command[0], [...command.slice(1), '--version'], { encoding: 'utf8' }),
    )?.[1];
  const [ours, built] = [commitOf(node, AGENT), commitOf(BINARY)];
  if (ours !== built)
    console.log(
      `the standalone binary is of commit ${built}, the script of ${ours}: \`npm run build:binary\`\n`,
    );
}
