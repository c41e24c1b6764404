/** So many suites run at the same time. A third one gains nothing on two cores: it makes the other two wait for them. */
export const LANES = 2;

/** Hands out suites, each once. */
export interface Queues {
  /** The next suite of a lane, counted from 0; undefined when there is none left for it. */
  next(lane: number): string | undefined;
}

/** The long ones first, lest one of them is alone at the end; roots of releases are made while others run. */
const FIRST = [
  'test/cluster/faults/files',
  'test/releases/releases',
  'test/cluster/faults/',
  'test/delivery/trust',
  'test/cluster/',
  'test/delivery/',
  'test/releases/',
];

/**
 * Lane 0 runs the suites whose servers share the machine's network and process table, one after the other. The others
 * run those that have networks or roots of their own, and when lane 0 is through with its suites, it joins them.
 */
export function laneQueues(files: readonly string[]): Queues {
  const rank = (file: string) => FIRST.findIndex((prefix) => file.startsWith(prefix));
  const onMachine = files.filter((file) => rank(file) < 0);
  const byThemselves = files.filter((file) => rank(file) >= 0).sort((a, b) => rank(a) - rank(b));
  return { next: (lane) => (lane === 0 ? onMachine.shift() : undefined) ?? byThemselves.shift() };
}
