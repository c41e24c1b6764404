// npm run cluster: a cluster on this machine for people, and what they do with it.
import mri from 'mri';
import { RELEASES, releaseRoot } from '../releases/root.ts';
import { environment, spawnInside } from './testbed/enter.ts';
import { whyNoTestbed } from './testbed/needs.ts';
import { findTestbed, openTestbed } from './testbed/open.ts';
import type { Testbed } from './testbed/testbed.ts';

const USAGE = `npm run cluster -- up [--nodes=3] [--release=trixie]
                                        starts a cluster of so many nodes, which run that release of Debian
npm run cluster -- status               shows it, as crm_mon does
npm run cluster -- exec NODE COMMAND    runs a command on a node, such as: exec node1 pcs status
npm run cluster -- down                 ends it; nothing of it is left`;

/** Each clone of the project has one cluster of this kind. */
const LABEL = `cluster of ${process.cwd()}`;
const MAX_NODES = 16;

async function main(argv: readonly string[]): Promise<number> {
  const [command, ...args] = argv;
  if (command === 'up') return up(args);
  if (command === 'status')
    return inherit(running(), undefined, ['crm_mon', '-1', '--inactive', '--failcounts']);
  if (command === 'exec' && args.length > 1) return inherit(running(), args[0], args.slice(1));
  if (command === 'down') return down();
  console.error(USAGE);
  return 2;
}

async function up(args: readonly string[]): Promise<number> {
  const options = mri([...args], { default: { nodes: 3, release: '' } });
  const nodes = Number(options.nodes);
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > MAX_NODES)
    throw new Error(`--nodes is a number from 1 to ${MAX_NODES}`);
  if (findTestbed(LABEL)) throw new Error('it is up already; `npm run cluster -- down` ends it');
  const { release } = options;
  if (release !== '' && !Object.hasOwn(RELEASES, release))
    throw new Error(
      `--release is one of ${Object.keys(RELEASES).join(', ')}; without it the nodes run what this machine runs`,
    );
  const root = release === '' ? '/' : releaseRoot(release);
  const why = whyNoTestbed(root);
  if (why !== undefined) throw new Error(`this machine can have no cluster: ${why}`);
  const testbed = await openTestbed({ nodes, label: LABEL, life: 'free', root });
  const names = testbed.nodes.map(({ name, address }) => `${name} (${address})`);
  console.log(`${names.join(', ')}: online. The agent of this build is installed on each.`);
  console.log('npm run cluster -- exec node1 crm_mon -1');
  return 0;
}

/** Runs a command with this terminal, on the first node that is on unless one is named; returns its exit code. */
function inherit(testbed: Testbed, name: string | undefined, argv: readonly string[]): Promise<number> {
  const node =
    name === undefined
      ? testbed.nodes.find((candidate) => candidate.isOn())
      : testbed.node(/^\d+$/.test(name) ? Number(name) : name);
  if (!node) throw new Error('all nodes are off');
  const child = spawnInside(node.init(), argv, { env: environment(), stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

async function down(): Promise<number> {
  const testbed = findTestbed(LABEL);
  if (!testbed) console.log('there is no cluster');
  await testbed?.close();
  return 0;
}

function running(): Testbed {
  const testbed = findTestbed(LABEL);
  if (!testbed) throw new Error('there is no cluster; `npm run cluster -- up` starts one');
  return testbed;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
