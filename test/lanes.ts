/** So many suites run at the same time. On two cores: each waits for servers, timers and disks a third of its time. */
export const LANES = 3;

/** Hands out suites, each once. */
export interface Queues {
  /** The next suite of a lane, counted from 0; undefined when there is none left for it. */
  next(lane: number): string | undefined;
}

/**
 * Suites with networks or roots of their own, and some whose instances have ports and directories of their own and which
 * look at nothing else of the machine. The long ones first, lest one of them is alone at the end; roots of releases are
 * made while others run.
 */
const BY_THEMSELVES = [
  'test/cluster/faults/files',
  'test/releases/releases',
  'test/cluster/faults/',
  'test/delivery/trust',
  'test/releases/',
  'test/situations/hostile-values',
  'test/situations/lost-start',
  'test/cluster/',
  'test/delivery/',
];

/**
 * Lane 0 runs the suites that share the machine's network and process table, one after the other. The other lanes run
 * those that are by themselves, and when lane 0 is through with its suites, it joins them.
 */
export function laneQueues(files: readonly string[]): Queues {
  const rank = (file: string) => BY_THEMSELVES.findIndex((prefix) => file.startsWith(prefix));
  const onMachine = files.filter((file) => rank(file) < 0);
  const byThemselves = files.filter((file) => rank(file) >= 0).sort((a, b) => rank(a) - rank(b));
  return { next: (lane) => (lane === 0 ? onMachine.shift() : undefined) ?? byThemselves.shift() };
}
