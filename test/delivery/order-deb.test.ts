import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  assertState,
  type DebNode,
  diversions,
  NEEDS_OF_DEB,
  type State,
  succeed,
  withDebNode,
} from './deb-node.ts';
import { agentAt, keptAgents, OURS, putByHand, walkWatched } from './order.ts';
import { AGENT_PATH, AGENTS, debWithFile } from './small-packages.ts';
import { testWith } from './tools.ts';
import type { Operation } from './walk.ts';

function operations({ dpkg, files }: DebNode): Operation<State>[] {
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
  NEEDS_OF_DEB,
  'whatever is installed, upgraded, reinstalled, removed or purged in any order, the right agent is in place',
  async () => {
    await withDebNode(async (node) => {
      const start: State = { ours: 'none', theirs: 'none' };
      const check = (state: State, when: string) => assertState(node, state, when);
      assert.is(await walkWatched(node.path, start, operations(node), check), 12);
    });
  },
);

testWith(NEEDS_OF_DEB, 'an agent that a person put there is kept aside, and comes back', async () => {
  await withDebNode((node) => {
    const { path, dpkg, files } = node;
    putByHand(path);
    succeed(dpkg('--install', files.ours1));
    assert.is(agentAt(path), AGENTS.ours1);
    assert.equal(keptAgents(path), [AGENTS.byHand]);
    // The package's agent takes the place of the person's, which stays kept.
    succeed(dpkg('--install', files.theirs1));
    succeed(dpkg('--purge', OURS));
    assert.is(agentAt(path), AGENTS.theirs1);
    assert.equal(keptAgents(path), [AGENTS.byHand]);
    rmSync(join(path, 'var/lib', OURS), { recursive: true });
    succeed(dpkg('--purge', 'resource-agents'));
    // Without any package that ships one, the person's own comes back.
    putByHand(path);
    succeed(dpkg('--install', files.ours1));
    succeed(dpkg('--remove', OURS));
    assert.is(agentAt(path), AGENTS.byHand);
    assert.equal(diversions(node), []);
  });
});

testWith(
  NEEDS_OF_DEB,
  'an installation or removal that breaks off can be repeated or taken back',
  async () => {
    await withDebNode((node) => {
      const { path, inside, dpkg, chroot, files } = node;
      const prermFile = join(path, `var/lib/dpkg/info/${OURS}.prerm`);
      succeed(dpkg('--install', files.theirs1));
      const state = (expected: State) => assertState(node, expected, 'after a broken operation');

      // Unpacking fails half-way: another package has one of our files.
      succeed(dpkg('--install', debWithFile(dirname(files.ours1), `usr/share/doc/${OURS}/sbom.spdx.json`)));
      assert.is.not(dpkg('--install', files.ours1).status, 0);
      state({ ours: 'none', theirs: 'theirs1' });
      succeed(dpkg('--purge', 'in-the-way'));

      // The machine dies between preinst and unpacking: nothing but preinst has run.
      succeed(node.run('dpkg-deb', ['--control', files.ours1, join(inside, 'control')]));
      for (let times = 0; times < 2; times++) {
        chroot('/bin/sh', '-c', `DPKG_MAINTSCRIPT_PACKAGE=${OURS} /control/preinst install`);
        // Called by its name, and by a shell that was on the way to it already.
        for (const words of [[AGENT_PATH], ['/bin/sh', AGENT_PATH]])
          assert.is(node.run('chroot', [inside, ...words, 'monitor']).output, 'the shell agent monitor\n');
      }
      succeed(dpkg('--install', files.ours1));
      state({ ours: 'ours1', theirs: 'theirs1' });

      // The removal is called off after prerm has done its work: another script of ours fails.
      const prerm = readFileSync(prermFile, 'utf8');
      writeFileSync(prermFile, `${prerm}\nexit 1\n`);
      assert.is.not(dpkg('--remove', OURS).status, 0);
      state({ ours: 'ours1', theirs: 'theirs1' });

      // The machine dies after prerm: the removal is repeated, or ours is installed again.
      writeFileSync(prermFile, prerm);
      chroot(`/var/lib/dpkg/info/${OURS}.prerm`, 'remove');
      assert.is(agentAt(path), AGENTS.theirs1);
      succeed(dpkg('--install', files.ours2));
      state({ ours: 'ours2', theirs: 'theirs1' });
      chroot(`/var/lib/dpkg/info/${OURS}.prerm`, 'remove');
      succeed(dpkg('--remove', OURS));
      state({ ours: 'none', theirs: 'theirs1' });
    });
  },
);

test.run();
