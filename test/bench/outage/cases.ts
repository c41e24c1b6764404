import { mainOf, processesOf, signal } from './processes.ts';
import type { Service } from './service.ts';

/** How the service is arranged: Kamailio on the node that has the address, or on every node. */
export type Arrangement = 'one node' | 'hot standby';

/** What an outage should not last longer than, s: issue by issue, what this project has set itself. */
export interface Goal {
  readonly median: number;
  readonly worst?: number;
}

/** One thing that happens to a Kamailio that serves. */
export interface Case {
  readonly name: string;
  readonly arrangement: Arrangement;
  /** Kamailio takes 10 s to load. */
  readonly isSlow?: boolean;
  /** Whether it is learned of by looking: then it happens at several points of the interval. */
  readonly isFound?: boolean;
  /** keepalived has no such thing. */
  readonly isOfPacemaker?: boolean;
  readonly goal?: Goal;
  /** Brought about before the clock runs. */
  prepare?(service: Service): Promise<void>;
  /** Makes it happen on the node that callers are answered by. */
  happen(service: Service): Promise<void>;
}

const crash = async ({ active }: Service) => signal(active, 'KILL', await processesOf(active));
const hang = async ({ active }: Service) => signal(active, 'STOP', await processesOf(active));
const move = async (service: Service) => service.move();

export const CASES: readonly Case[] = [
  {
    name: 'crash of all, one node',
    arrangement: 'one node',
    isFound: true,
    goal: { median: 0.35, worst: 0.7 },
    happen: crash,
  },
  {
    name: 'crash of all, hot standby',
    arrangement: 'hot standby',
    isFound: true,
    goal: { median: 0.25, worst: 0.5 },
    happen: crash,
  },
  {
    name: 'crash of all, loads for 10 s, hot standby',
    arrangement: 'hot standby',
    isSlow: true,
    isFound: true,
    goal: { median: 0.25, worst: 0.5 },
    happen: crash,
  },
  {
    name: 'crash of the main process, one node',
    arrangement: 'one node',
    isFound: true,
    goal: { median: 0.3, worst: 0.7 },
    happen: async ({ active }) => signal(active, 'KILL', [await mainOf(active)]),
  },
  { name: 'hang, one node', arrangement: 'one node', isFound: true, goal: { median: 6 }, happen: hang },
  {
    name: 'hang, hot standby',
    arrangement: 'hot standby',
    isFound: true,
    goal: { median: 2.6 },
    happen: hang,
  },
  { name: 'planned move, one node', arrangement: 'one node', happen: move },
  { name: 'planned move, hot standby', arrangement: 'hot standby', goal: { median: 0.15 }, happen: move },
  { name: 'death of the node, one node', arrangement: 'one node', happen: ({ active }) => active.kill() },
  {
    name: 'death of the node, hot standby',
    arrangement: 'hot standby',
    happen: ({ active }) => active.kill(),
  },
  {
    name: 'start of the whole group, one node',
    arrangement: 'one node',
    isOfPacemaker: true,
    prepare: (service) => service.setRole('Stopped'),
    happen: (service) => service.setRole('Started'),
  },
];
