import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../support/instance.ts';
import * as deb from './deb-node.ts';
import { agentAt, assertAgent, calledAgent, OURS } from './order.ts';
import type { Root } from './root.ts';
import * as rpm from './rpm-node.ts';
import { AGENTS } from './small-packages.ts';
import { type Run, testWith } from './tools.ts';

/** The installer dies when it, or else when a program that it calls, renames or removes its Nth file. */
const DEATHS = [
  { of: 'the installer', options: [], nth: [1, 2, 4, 8, 16] },
  { of: 'a program of a script', options: ['-f'], nth: [1] },
] as const;
const CALLS = 'rename,renameat,renameat2,unlink,unlinkat';

type Agent = keyof typeof AGENTS;

/** An operation that is interrupted, and repeated. */
interface Operation {
  readonly words: readonly string[];
  readonly before: Agent;
  readonly after: Agent;
  /** Asserts that what is installed is what `after` says, and nothing is left over. */
  readonly check: () => void;
}

/**
 * Does every operation on a node that has the shipped agent, and interrupts it first at each of DEATHS: an
 * agent is there at all times, and the operation repeated is complete.
 */
async function interruptAll(
  root: Root,
  installer: readonly string[],
  operations: readonly Operation[],
): Promise<number> {
  let deaths = 0;
  for (const { of, options, nth } of DEATHS)
    for (const number of nth)
      for (const { words, before, after, check } of operations) {
        const kill = [
          `--inject=${CALLS}:signal=SIGKILL:when=${number}`,
          '-qq',
          '-o',
          '/dev/null',
          ...options,
        ];
        const { status } = root.run('strace', [...kill, ...installer, ...words]);
        if (status !== 0) deaths++;
        const when = `${words.join(' ')}, ${of} dead at file ${number}`;
        const agent = calledAgent(root.path);
        assert.ok(agent === AGENTS[before] || agent === AGENTS[after], `no whole agent: ${when}`);
        if (installer[0] === 'rpm') await nextSecond();
        const again: Run = root.run(installer[0] ?? '', [...installer.slice(1), ...words]);
        // The dead one may have come as far as to forget the package.
        const isGone = words.includes(OURS) && again.output.includes('is not installed');
        assert.ok(again.status === 0 || isGone, `${when}: ${again.output}`);
        assert.is(agentAt(root.path).slice(0, 60), AGENTS[after].slice(0, 60), when);
        check();
      }
  return deaths;
}

/** rpm takes the names of temporary files from the second that it starts in, and stumbles over one that is there. */
function nextSecond(): Promise<void> {
  const second = Math.floor(Date.now() / 1000);
  return until(() => Math.floor(Date.now() / 1000) > second, 'the second is over');
}

testWith([...deb.NEEDS_OF_DEB, 'strace'], 'dpkg can die at any moment, and go on afterwards', async () => {
  await deb.withDebNode(async (node) => {
    deb.succeed(node.dpkg('--install', node.files.theirs1));
    const installer = [
      'dpkg',
      `--root=${node.inside}`,
      '--force-depends',
      '--force-unsafe-io',
      '--no-triggers',
    ];
    const state = (ours: deb.State['ours']) => () => deb.assertState(node, { ours, theirs: 'theirs1' }, '');
    const deaths = await interruptAll(node, installer, [
      { words: ['--install', node.files.ours1], before: 'theirs1', after: 'ours1', check: state('ours1') },
      { words: ['--install', node.files.ours2], before: 'ours1', after: 'ours2', check: state('ours2') },
      { words: ['--remove', OURS], before: 'ours2', after: 'theirs1', check: state('none') },
    ]);
    assert.ok(deaths >= 10, `died ${deaths} times`);
  });
});

testWith([...rpm.NEEDS_OF_RPM, 'strace'], 'rpm can die at any moment, and go on afterwards', async () => {
  await rpm.withRpmNode(async (node) => {
    rpm.succeed(node.rpm('-i', node.files.theirs1));
    const installer = ['rpm', `--root=${node.inside}`, '--dbpath=/var/lib/rpm', '--nodeps', '--noplugins'];
    const install = ['-U', '--replacepkgs'];
    const state = (ours: rpm.State['ours']) => () => rpm.assertState(node, { ours, theirs: 'theirs1' }, '');
    const deaths = await interruptAll(node, installer, [
      { words: [...install, node.files.ours1], before: 'theirs1', after: 'ours1', check: state('ours1') },
      { words: [...install, node.files.ours2], before: 'ours1', after: 'ours2', check: state('ours2') },
      // What rpm had unpacked when it died, it leaves in the directories of the package.
      {
        words: ['-e', OURS],
        before: 'ours2',
        after: 'theirs1',
        check: () => assertAgent(node.path, AGENTS.theirs1, ''),
      },
    ]);
    assert.ok(deaths >= 10, `died ${deaths} times`);
  });
});

test.run();
