import type { TestbedNode } from '../../cluster/testbed/node.ts';

/** A service as somebody keeps it up: Pacemaker with an agent, or keepalived. */
export interface Service {
  /** The node that callers are answered by, as it was before the case. */
  readonly active: TestbedNode;
  /** Moves it to another node, as for maintenance; returns once that is under way. */
  move(): Promise<void>;
  /** Stops or starts all of it. A stop returns when it is through. */
  setRole(role: 'Started' | 'Stopped'): Promise<void>;
  /** When it was taken up again after `since`, ms since 1970; undefined if it was not yet. */
  takenUp(since: number): Promise<number | undefined>;
  /** Puts all right again: each Kamailio runs that should, and nobody knows of a failure. */
  restore(): Promise<void>;
}
