import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { agentAt, keptAgents, OURS, putByHand, walkWatched } from './order.ts';
import {
  assertState,
  NEEDS_OF_RPM,
  type RpmNode,
  type State,
  succeed,
  type Version,
  withRpmNode,
} from './rpm-node.ts';
import { AGENTS } from './small-packages.ts';
import { testWith } from './tools.ts';
import type { Operation } from './walk.ts';

function operations({ rpm, files }: RpmNode): Operation<State>[] {
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
  NEEDS_OF_RPM,
  'whatever rpm installs, upgrades, reinstalls or removes in any order, the right agent is in place',
  async () => {
    await withRpmNode(async (node) => {
      const start: State = { ours: 'none', theirs: 'none' };
      const check = (state: State, when: string) => assertState(node, state, when);
      assert.is(await walkWatched(node.path, start, operations(node), check), 9);
    });
  },
);

testWith(
  NEEDS_OF_RPM,
  'an agent that a person put there survives our rpm, and resource-agents behind it',
  async () => {
    await withRpmNode(({ path, rpm, files }) => {
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
