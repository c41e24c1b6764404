import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { assertAgent, keptAgents, OURS } from './order.ts';
import { NEEDS_OF_ROOT, type Root, withRoot } from './root.ts';
import { AGENTS, buildOurs, MAN_PATH, rpmOfTheirs } from './small-packages.ts';
import { type Run, workDirectory } from './tools.ts';

/** What withRpmNode cannot do without. */
export const NEEDS_OF_RPM = [...NEEDS_OF_ROOT, 'rpm', 'rpmbuild'];

export type Version = 'ours1' | 'ours2' | 'theirs1' | 'theirs2';

/** Versions that are installed. */
export interface State {
  readonly ours: 'none' | 'ours1' | 'ours2';
  readonly theirs: 'none' | 'theirs1' | 'theirs2';
}

/** rpm on a small root, with small packages of each version beside it. */
export interface RpmNode extends Root {
  readonly files: Readonly<Record<Version, string>>;
  rpm(...words: string[]): Run;
}

const packages = workDirectory('packages');
let built: RpmNode['files'] | undefined;

/** The packages, made when the first test asks for them. */
function files(): RpmNode['files'] {
  built ??= {
    ours1: buildOurs('rpm', '1.0.1', AGENTS.ours1, packages),
    ours2: buildOurs('rpm', '1.0.2', AGENTS.ours2, packages),
    theirs1: rpmOfTheirs(packages, '9.1', AGENTS.theirs1),
    theirs2: rpmOfTheirs(packages, '9.2', AGENTS.theirs2),
  };
  return built;
}

/** Runs `body` with a node of its own that has neither package. */
export async function withRpmNode(body: (node: RpmNode) => Promise<void> | void): Promise<void> {
  await withRoot(async (root) => {
    // The root's own packages are no rpms: nothing there provides the libraries or the shell.
    const options = [`--root=${root.inside}`, '--dbpath=/var/lib/rpm', '--nodeps', '--noplugins'];
    await body({ ...root, files: files(), rpm: (...words) => root.run('rpm', [...options, ...words]) });
  });
}

/** rpm prints what a scriptlet says, and ends with 0 when one fails after the files are in place. */
export function succeed({ status, output }: Run): void {
  assert.is(status, 0, output);
  // Debian's rpm says at each installation that there is dpkg.
  const complaints = output
    .split('\n')
    .filter((line) => !/^(rpm: (RPM should not|However assuming).*)?$/.test(line));
  assert.equal(complaints, [], 'rpm has something to complain of');
}

/** Asserts that nothing but what belongs to these two packages is in place. */
export function assertState(node: RpmNode, { ours, theirs }: State, when: string): void {
  assertAgent(node.path, ours !== 'none' ? AGENTS[ours] : theirs !== 'none' ? AGENTS[theirs] : '', when);
  if (ours === 'none') {
    if (theirs !== 'none') {
      const page = readFileSync(join(node.path, MAN_PATH), 'utf8');
      assert.is(page, `man page 9.${theirs.slice(-1)}\n`, `man page ${when}`);
    }
    for (const left of ['usr/share', 'usr/libexec', 'var/lib'])
      assert.not(existsSync(join(node.path, left, OURS)), `${left} ${when}`);
  }
  assert.equal(keptAgents(node.path), [], `something was kept as hand-made ${when}`);
}
