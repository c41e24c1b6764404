import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { agentAt, assertAgent, keptAgents, OURS, putByHand, walkWatched } from './order.ts';
import { NEEDS_OF_ROOT, type Root, withRoot } from './root.ts';
import { AGENTS, buildOurs, MAN_PATH, rpmOfTheirs } from './small-packages.ts';
import { AS_ROOT, type Run, testWith } from './tools.ts';
import type { Operation } from './walk.ts';

const NEEDS = [AS_ROOT, ...NEEDS_OF_ROOT, 'rpm', 'rpmbuild'];

type Version = 'ours1' | 'ours2' | 'theirs1' | 'theirs2';

interface State {
  readonly ours: 'none' | 'ours1' | 'ours2';
  readonly theirs: 'none' | 'theirs1' | 'theirs2';
}

/** rpm on a small root, with packages of each version beside it. */
interface Node extends Root {
  readonly files: Readonly<Record<Version, string>>;
  rpm(...words: string[]): Run;
}

const packages = mkdtempSync(join(tmpdir(), 'ocf-kamailio-packages-'));
test.after(() => rmSync(packages, { recursive: true, force: true }));
let built: Node['files'] | undefined;

/** The packages, made when the first test asks for them. */
function files(): Node['files'] {
  built ??= {
    ours1: buildOurs('rpm', '1.0.1', AGENTS.ours1, packages),
    ours2: buildOurs('rpm', '1.0.2', AGENTS.ours2, packages),
    theirs1: rpmOfTheirs(packages, '9.1', AGENTS.theirs1),
    theirs2: rpmOfTheirs(packages, '9.2', AGENTS.theirs2),
  };
  return built;
}

async function withNode(body: (node: Node) => Promise<void> | void): Promise<void> {
  await withRoot(async (root) => {
    // The root's own packages are no rpms: nothing there provides the libraries or the shell.
    const options = [`--root=${root.inside}`, '--dbpath=/var/lib/rpm', '--nodeps', '--noplugins'];
    await body({ ...root, files: files(), rpm: (...words) => root.run('rpm', [...options, ...words]) });
  });
}

/** rpm prints what a scriptlet says, and ends with 0 when one fails after the files are in place. */
function succeed({ status, output }: Run): void {
  assert.is(status, 0, output);
  // Debian's rpm says at each installation that there is dpkg.
  const complaints = output
    .split('\n')
    .filter((line) => !/^(rpm: (RPM should not|However assuming).*)?$/.test(line));
  assert.equal(complaints, [], 'rpm has something to complain of');
}

function assertState(node: Node, { ours, theirs }: State, when: string): void {
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

function operations({ rpm, files }: Node): Operation<State>[] {
  const install = (what: Version): Operation<State> => ({
    name: `install ${what}`,
    leadsTo: (state) => ({ ...state, [what.slice(0, -1)]: what }),
    // Upgrade, downgrade and reinstallation too.
    run: () => succeed(rpm('-U', '--oldpackage', '--replacepkgs', files[what])),
  });
  const together = (first: Version, second: Version): Operation<State> => ({
    name: `install ${first} and ${second} in one transaction`,
    leadsTo: (state) => ({ ...state, [first.slice(0, -1)]: first, [second.slice(0, -1)]: second }),
    run: () => succeed(rpm('-U', '--oldpackage', '--replacepkgs', files[first], files[second])),
  });
  const erase = (leadsTo: Operation<State>['leadsTo'], ...names: string[]): Operation<State> => ({
    name: `remove ${names.join(' and ')}`,
    leadsTo,
    run: () => succeed(rpm('-e', ...names)),
  });
  return [
    install('ours1'),
    install('ours2'),
    install('theirs1'),
    install('theirs2'),
    together('ours2', 'theirs2'),
    together('theirs1', 'ours1'),
    erase((state) => (state.ours === 'none' ? undefined : { ...state, ours: 'none' }), OURS),
    erase((state) => (state.theirs === 'none' ? undefined : { ...state, theirs: 'none' }), 'resource-agents'),
    erase(
      ({ ours, theirs }) =>
        ours === 'none' || theirs === 'none' ? undefined : { ours: 'none', theirs: 'none' },
      'resource-agents',
      OURS,
    ),
  ];
}

testWith(
  NEEDS,
  'whatever rpm installs, upgrades, reinstalls or removes in any order, the right agent is in place',
  async () => {
    await withNode(async (node) => {
      const start: State = { ours: 'none', theirs: 'none' };
      const check = (state: State, when: string) => assertState(node, state, when);
      assert.is(await walkWatched(node.path, start, operations(node), check), 9);
    });
  },
);

testWith(
  NEEDS,
  'an agent that a person put there survives our rpm, and resource-agents behind it',
  async () => {
    await withNode(({ path, rpm, files }) => {
      putByHand(path);
      succeed(rpm('-i', files.ours1));
      assert.is(agentAt(path), AGENTS.ours1);
      succeed(rpm('-e', OURS));
      assert.is(agentAt(path), AGENTS.byHand);
      succeed(rpm('-i', files.ours1));
      succeed(rpm('-i', files.theirs1));
      succeed(rpm('-e', OURS));
      assert.is(agentAt(path), AGENTS.theirs1);
      assert.equal(keptAgents(path), [AGENTS.byHand]);
    });
  },
);

test.run();
