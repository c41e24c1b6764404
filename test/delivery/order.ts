import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { AGENT_PATH, AGENTS, HANDOVER, MAN_PATH } from './small-packages.ts';
import { type Operation, walkAll } from './walk.ts';
import { watchFile } from './watcher.ts';

export const OURS = 'resource-agents-kamailio';

/**
 * Does every operation in every state, see walkAll, and `check` after each. An agent that is there before and
 * after an operation must be there, and whole, all the time.
 *
 * @param root where the operations install
 * @returns the number of states
 */
export async function walkWatched<State>(
  root: string,
  start: State,
  operations: readonly Operation<State>[],
  check: (state: State, when: string) => void,
): Promise<number> {
  const watcher = watchFile(join(root, AGENT_PATH), Object.values(AGENTS), HANDOVER);
  let looks = 0;
  const watched = operations.map((operation) => ({
    ...operation,
    run: () => {
      const before = agentAt(root) !== '';
      if (before) watcher.demand();
      operation.run();
      const { missing, broken, ...seen } = watcher.release();
      if (!before || agentAt(root) === '') return;
      looks += seen.looks;
      assert.equal({ missing, broken }, { missing: 0, broken: 0 }, operation.name);
    },
  }));
  try {
    const { steps, states } = walkAll(start, watched, (state, path) =>
      check(state, `after ${path.slice(-6).join(', ')}`),
    );
    assert.ok(looks > steps, `${looks} looks in ${steps} operations`);
    return states;
  } finally {
    await watcher.end();
  }
}

/**
 * The agent that a call gets, empty when there is none: what is at the path, or what that leads to while a binary
 * is about to take its place.
 */
export function calledAgent(root: string): string {
  const agent = agentAt(root);
  const target = HANDOVER.exec(agent)?.[1];
  return target === undefined ? agent : readFileSync(join(root, target), 'latin1');
}

/** The agent at its path, empty when there is none. */
export function agentAt(root: string): string {
  const path = join(root, AGENT_PATH);
  return existsSync(path) ? readFileSync(path, 'latin1') : '';
}

/** Asserts that this agent is in place, whole, listed once, and with a man page; empty: that there is none. */
export function assertAgent(root: string, expected: string, when: string): void {
  const found = agentAt(root);
  assert.is(found.slice(0, 60), expected.slice(0, 60), `another agent than expected ${when}`);
  assert.is(found.length, expected.length, `a part of an agent ${when}`);
  assert.equal(listedAgents(root), expected ? ['kamailio'] : [], `agents ${when}`);
  assert.is(existsSync(join(root, MAN_PATH)), expected !== '', `man page ${when}`);
}

/** Names that Pacemaker would list as agents, but for one that resource-agents brings, too. */
function listedAgents(root: string): string[] {
  const directory = dirname(join(root, AGENT_PATH));
  if (!existsSync(directory)) return [];
  return readdirSync(directory).filter((name) => name !== 'IPaddr2' && !name.startsWith('.ocf-'));
}

/** Puts an agent at the path that belongs to no package. */
export function putByHand(root: string): void {
  mkdirSync(dirname(join(root, AGENT_PATH)), { recursive: true });
  writeFileSync(join(root, AGENT_PATH), AGENTS.byHand, { mode: 0o755 });
}

/** The agents of persons that our package has kept. */
export function keptAgents(root: string): string[] {
  const kept = join(root, 'var/lib', OURS, 'kept');
  if (!existsSync(kept)) return [];
  const names = readdirSync(kept).filter((name) => name.startsWith('kamailio.'));
  return names.map((name) => readFileSync(join(kept, name), 'latin1'));
}
