import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { assertAgent, OURS } from './order.ts';
import { NEEDS_OF_ROOT, type Root, withRoot } from './root.ts';
import { AGENTS, buildOurs, debOfTheirs } from './small-packages.ts';
import { mustRun, type Run, workDirectory } from './tools.ts';

/** What withDebNode cannot do without. */
export const NEEDS_OF_DEB = [...NEEDS_OF_ROOT, 'dpkg-deb'];

/** Versions that are installed; `removed` is what is left between removal and purge. */
export interface State {
  readonly ours: 'none' | 'ours1' | 'ours2';
  readonly theirs: 'none' | 'removed' | 'theirs1' | 'theirs2';
}

/** dpkg on a small root, with small packages of each version beside it. */
export interface DebNode extends Root {
  readonly files: Readonly<Record<'ours1' | 'ours2' | 'theirs1' | 'theirs2', string>>;
  dpkg(...words: string[]): Run;
  /** Runs a program of the root there. */
  chroot(...words: string[]): void;
}

const packages = workDirectory('packages');
let built: DebNode['files'] | undefined;

/** The packages, made when the first test asks for them. */
function files(): DebNode['files'] {
  if (built) return built;
  const [theirs1, theirs2] = debOfTheirs(packages);
  const ours = (version: string, agent: string) => buildOurs('deb', version, agent, packages);
  built = { ours1: ours('1.0.1', AGENTS.ours1), ours2: ours('1.0.2', AGENTS.ours2), theirs1, theirs2 };
  return built;
}

/** Runs `body` with a node of its own that has neither package. */
export async function withDebNode(body: (node: DebNode) => Promise<void> | void): Promise<void> {
  await withRoot(async (root) => {
    // What resource-agents depends on has nothing to do with the path that two packages want.
    const options = [`--root=${root.inside}`, '--force-depends', '--force-unsafe-io', '--no-triggers'];
    const env = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
    await body({
      ...root,
      files: files(),
      dpkg: (...words) => root.run('dpkg', [...options, ...words], { env }),
      chroot: (...words) => succeed(root.run('chroot', [root.inside, ...words], { env })),
    });
  });
}

/** Asserts that a run of dpkg or chroot did its work. */
export function succeed({ status, output }: Run): void {
  assert.is(status, 0, output);
}

/** The diversions of the agent and the man page. */
export function diversions({ path }: DebNode): string[] {
  return mustRun('dpkg-divert', [`--root=${path}`, '--list', '*kamailio*'])
    .trim()
    .split('\n')
    .filter(Boolean);
}

/** Asserts that nothing but what belongs to these two packages is in place. */
export function assertState(node: DebNode, { ours, theirs }: State, when: string): void {
  const expected =
    ours !== 'none' ? AGENTS[ours] : theirs in AGENTS ? AGENTS[theirs as keyof typeof AGENTS] : '';
  assertAgent(node.path, expected, when);
  assert.is(diversions(node).length, ours === 'none' ? 0 : 2, `diversions ${when}: ${diversions(node)}`);
  for (const left of ['diverted', 'waiting', 'leaving'])
    if (ours === 'none') assert.not(existsSync(join(node.path, 'usr/share', OURS, left)), `${left} ${when}`);
  assert.not(existsSync(join(node.path, 'var/lib', OURS)), `something was kept as hand-made ${when}`);
}
