/** One thing that an administrator can do, in the states where it is possible. */
export interface Operation<State> {
  readonly name: string;
  /** The state afterwards; undefined where the operation is not possible. */
  readonly leadsTo: (state: State) => State | undefined;
  readonly run: () => void;
}

/**
 * Does every possible operation in every state that can be reached, and calls `check` after each. A state
 * that is left behind is reached again by operations that were tried before.
 *
 * @returns how many operations were done, and the number of states
 */
export function walkAll<State>(
  start: State,
  operations: readonly Operation<State>[],
  check: (state: State, path: readonly string[]) => void,
): { readonly steps: number; readonly states: number } {
  const key = (state: State) => JSON.stringify(state);
  const untried = new Map<string, Operation<State>[]>();
  const possible = (state: State) => operations.filter(({ leadsTo }) => leadsTo(state) !== undefined);
  const meet = (state: State) => {
    if (!untried.has(key(state))) untried.set(key(state), possible(state));
  };
  const path: string[] = [];
  let state = start;
  const apply = (operation: Operation<State>) => {
    const next = operation.leadsTo(state);
    if (next === undefined) throw new Error(`${operation.name} is not possible in ${key(state)}`);
    path.push(operation.name);
    operation.run();
    untried.set(key(state), untried.get(key(state))?.filter((other) => other !== operation) ?? []);
    state = next;
    meet(state);
    check(state, path);
  };
  meet(state);
  for (;;) {
    const way = shortestWay(state, possible, (candidate) => (untried.get(key(candidate))?.length ?? 0) > 0);
    if (!way) return { steps: path.length, states: untried.size };
    for (const operation of way) apply(operation);
    const next = untried.get(key(state))?.[0];
    if (next) apply(next);
  }
}

/** Breadth first from `start` to a state that `isWanted`. */
function shortestWay<State>(
  start: State,
  possible: (state: State) => Operation<State>[],
  isWanted: (state: State) => boolean,
): Operation<State>[] | undefined {
  const seen = new Set([JSON.stringify(start)]);
  const queue: { state: State; way: Operation<State>[] }[] = [{ state: start, way: [] }];
  for (let entry = queue.shift(); entry; entry = queue.shift()) {
    if (isWanted(entry.state)) return entry.way;
    for (const operation of possible(entry.state)) {
      const next = operation.leadsTo(entry.state);
      if (next === undefined || seen.has(JSON.stringify(next))) continue;
      seen.add(JSON.stringify(next));
      queue.push({ state: next, way: [...entry.way, operation] });
    }
  }
  return undefined;
}
