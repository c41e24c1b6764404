import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withRoot } from './root.ts';
import { AGENT_PATH, AGENTS, buildOurs, debOfTheirs, debWithFile, MAN_PATH } from './small-packages.ts';
import { AS_ROOT, mustRun, type Run, run, testWith } from './tools.ts';
import { type Operation, walkAll } from './walk.ts';
import { watchFile } from './watcher.ts';

const OURS = 'resource-agents-kamailio';
const NEEDS = [AS_ROOT, 'debootstrap', 'dpkg-deb', 'apt-get'] as const;

/** Versions that are installed; `removed` is what is left between removal and purge. */
interface State {
  readonly ours: 'none' | 'ours1' | 'ours2';
  readonly theirs: 'none' | 'removed' | 'theirs1' | 'theirs2';
}

/** dpkg on a small root, with packages of each version beside it. */
interface Node {
  readonly root: string;
  readonly files: Readonly<Record<'ours1' | 'ours2' | 'theirs1' | 'theirs2', string>>;
  dpkg(...words: string[]): Run;
}

const packages = mkdtempSync(join(tmpdir(), 'ocf-kamailio-packages-'));
test.after(() => rmSync(packages, { recursive: true, force: true }));
let built: Node['files'] | undefined;

/** The packages, made when the first test asks for them. */
function files(): Node['files'] {
  if (built) return built;
  const [theirs1, theirs2] = debOfTheirs(packages);
  const ours = (version: string, agent: string) => buildOurs('deb', version, agent, packages);
  built = { ours1: ours('1.0.1', AGENTS.ours1), ours2: ours('1.0.2', AGENTS.ours2), theirs1, theirs2 };
  return built;
}

async function withNode(body: (node: Node) => Promise<void> | void): Promise<void> {
  await withRoot(async (root) => {
    // What resource-agents depends on has nothing to do with the path that two packages want.
    const options = [`--root=${root}`, '--force-depends', '--force-unsafe-io', '--no-triggers'];
    const env = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
    await body({ root, files: files(), dpkg: (...words) => run('dpkg', [...options, ...words], { env }) });
  });
}

function succeed({ status, output }: Run): void {
  assert.is(status, 0, output);
}

function agentAt({ root }: Node): string {
  return existsSync(join(root, AGENT_PATH)) ? readFileSync(join(root, AGENT_PATH), 'latin1') : '';
}

/** The diversions of the agent and the man page. */
function diversions({ root }: Node): string[] {
  return mustRun('dpkg-divert', [`--root=${root}`, '--list', '*kamailio*'])
    .trim()
    .split('\n')
    .filter(Boolean);
}

/** Names that Pacemaker would list as agents. */
function listedAgents({ root }: Node): string[] {
  const directory = dirname(join(root, AGENT_PATH));
  return existsSync(directory)
    ? readdirSync(directory).filter((name) => name !== 'IPaddr2' && !name.startsWith('.ocf-'))
    : [];
}

function assertState(node: Node, { ours, theirs }: State, path: readonly string[]): void {
  const expected =
    ours !== 'none' ? AGENTS[ours] : theirs in AGENTS ? AGENTS[theirs as keyof typeof AGENTS] : '';
  const when = `after ${path.slice(-6).join(', ')}`;
  assert.is(agentAt(node).slice(0, 60), expected.slice(0, 60), `another agent than expected ${when}`);
  assert.is(agentAt(node).length, expected.length, `a part of an agent ${when}`);
  assert.equal(listedAgents(node), expected ? ['kamailio'] : [], `agents ${when}`);
  assert.is(diversions(node).length, ours === 'none' ? 0 : 2, `diversions ${when}: ${diversions(node)}`);
  const manPage = existsSync(join(node.root, MAN_PATH));
  assert.is(manPage, expected !== '', `man page ${when}`);
  for (const left of ['diverted', 'leaving'])
    if (ours === 'none') assert.not(existsSync(join(node.root, 'usr/share', OURS, left)), `${left} ${when}`);
  assert.not(existsSync(join(node.root, 'var/lib', OURS)), `something was kept as hand-made ${when}`);
}

function operations({ dpkg, files }: Node): Operation<State>[] {
  const install = (what: 'ours1' | 'ours2' | 'theirs1' | 'theirs2'): Operation<State> => ({
    name: `install ${what}`,
    leadsTo: (state) => ({ ...state, [what.slice(0, -1)]: what }),
    run: () => succeed(dpkg('--install', files[what])),
  });
  const away = (
    word: 'remove' | 'purge',
    name: string,
    leadsTo: Operation<State>['leadsTo'],
  ): Operation<State> => ({
    name: `${word} ${name}`,
    leadsTo,
    run: () => succeed(dpkg(`--${word}`, name)),
  });
  const isInstalled = (theirs: State['theirs']) => theirs === 'theirs1' || theirs === 'theirs2';
  return [
    install('ours1'),
    install('ours2'),
    install('theirs1'),
    install('theirs2'),
    away('remove', OURS, (state) => (state.ours === 'none' ? undefined : { ...state, ours: 'none' })),
    away('purge', OURS, (state) => (state.ours === 'none' ? undefined : { ...state, ours: 'none' })),
    away('remove', 'resource-agents', (state) =>
      isInstalled(state.theirs) ? { ...state, theirs: 'removed' } : undefined,
    ),
    away('purge', 'resource-agents', (state) =>
      state.theirs === 'none' ? undefined : { ...state, theirs: 'none' },
    ),
  ];
}

testWith(
  NEEDS,
  'whatever is installed, upgraded, reinstalled, removed or purged in any order, the right agent is in place',
  async () => {
    await withNode(async (node) => {
      const watcher = watchFile(join(node.root, AGENT_PATH), Object.values(AGENTS));
      let looks = 0;
      try {
        const present = () => agentAt(node) !== '';
        const watched = operations(node).map((operation) => ({
          ...operation,
          run: () => {
            const before = present();
            // An agent that is there before and afterwards must be there all the time.
            if (before) watcher.demand();
            operation.run();
            const seen = watcher.release();
            if (!before || !present()) return;
            looks += seen.looks;
            assert.equal(
              { missing: seen.missing, broken: seen.broken },
              { missing: 0, broken: 0 },
              operation.name,
            );
          },
        }));
        const start: State = { ours: 'none', theirs: 'none' };
        const { steps, states } = walkAll(start, watched, (state, path) => assertState(node, state, path));
        assert.is(states, 12);
        console.log(`${steps} operations in ${states} states, ${looks} looks at the agent`);
      } finally {
        await watcher.end();
      }
    });
  },
);

testWith(NEEDS, 'an agent that a person put there is kept aside, and comes back', async () => {
  await withNode((node) => {
    const { root, dpkg, files } = node;
    const kept = join(root, 'var/lib', OURS, 'kept');
    mustRun('mkdir', ['-p', dirname(join(root, AGENT_PATH))]);
    writeFileSync(join(root, AGENT_PATH), AGENTS.byHand, { mode: 0o755 });
    succeed(dpkg('--install', files.ours1));
    assert.is(agentAt(node), AGENTS.ours1);
    assert.is(readFileSync(join(kept, readdirSync(kept)[0] ?? ''), 'latin1'), AGENTS.byHand);
    // The package's agent takes the place of the person's, which stays kept.
    succeed(dpkg('--install', files.theirs1));
    succeed(dpkg('--purge', OURS));
    assert.is(agentAt(node), AGENTS.theirs1);
    assert.is(readFileSync(join(kept, readdirSync(kept)[0] ?? ''), 'latin1'), AGENTS.byHand);
    rmSync(join(root, 'var/lib', OURS), { recursive: true });
    succeed(dpkg('--purge', 'resource-agents'));
    // Without any package that ships one, the person's own comes back.
    mustRun('mkdir', ['-p', dirname(join(root, AGENT_PATH))]);
    writeFileSync(join(root, AGENT_PATH), AGENTS.byHand, { mode: 0o755 });
    succeed(dpkg('--install', files.ours1));
    succeed(dpkg('--remove', OURS));
    assert.is(agentAt(node), AGENTS.byHand);
    assert.equal(diversions(node), []);
  });
});

testWith(NEEDS, 'an installation or removal that breaks off can be repeated or taken back', async () => {
  await withNode((node) => {
    const { root, dpkg, files } = node;
    const script = (name: string) => join(root, `var/lib/dpkg/info/${OURS}.${name}`);
    succeed(dpkg('--install', files.theirs1));
    const state = (expected: State) => assertState(node, expected, ['a broken operation']);

    // Unpacking fails half-way: another package has one of our files.
    succeed(dpkg('--install', debWithFile(packages, `usr/share/doc/${OURS}/sbom.spdx.json`)));
    assert.is.not(dpkg('--install', files.ours1).status, 0);
    state({ ours: 'none', theirs: 'theirs1' });
    succeed(dpkg('--purge', 'in-the-way'));

    // The machine dies between preinst and unpacking: nothing but preinst has run.
    mustRun('dpkg-deb', ['--control', files.ours1, join(root, 'control')]);
    for (let times = 0; times < 2; times++) {
      mustRun('chroot', [root, '/bin/sh', '-c', `DPKG_MAINTSCRIPT_PACKAGE=${OURS} /control/preinst install`]);
      assert.is(agentAt(node), AGENTS.theirs1);
    }
    succeed(dpkg('--install', files.ours1));
    state({ ours: 'ours1', theirs: 'theirs1' });

    // The removal is called off after prerm has done its work: another script of ours fails.
    const prerm = readFileSync(script('prerm'), 'utf8');
    writeFileSync(script('prerm'), `${prerm}\nexit 1\n`);
    assert.is.not(dpkg('--remove', OURS).status, 0);
    state({ ours: 'ours1', theirs: 'theirs1' });

    // The machine dies after prerm: the removal is repeated, or ours is installed again.
    writeFileSync(script('prerm'), prerm);
    mustRun('chroot', [root, `/var/lib/dpkg/info/${OURS}.prerm`, 'remove']);
    assert.is(agentAt(node), AGENTS.theirs1);
    succeed(dpkg('--install', files.ours2));
    state({ ours: 'ours2', theirs: 'theirs1' });
    mustRun('chroot', [root, `/var/lib/dpkg/info/${OURS}.prerm`, 'remove']);
    succeed(dpkg('--remove', OURS));
    state({ ours: 'none', theirs: 'theirs1' });
  });
});

test.run();
