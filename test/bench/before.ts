import { type InstanceOptions, makeInstance, type TestInstance } from '../support/instance.ts';
import { type Agents, prepareAgents } from './agents.ts';
import { measureLife } from './life.ts';
import { interleave, median, run, series } from './measure.ts';
import type { Figure } from './report.ts';

/** Two builds of this agent, for the same instance. */
interface Builds {
  readonly instance: TestInstance;
  readonly now: Agents;
  readonly before: Agents;
}

/** With the processes that Kamailio adds to its workers there are more than 500. */
const MANY_PROCESSES = { config: 'children=250\ntcp_children=250' };

/**
 * Measures what this agent costs beside an older build of it, the file `before`: a healthy monitor of a small Kamailio
 * and of one with 500 processes, start and stop. Both builds are called in turn.
 */
export async function measureBefore(before: string, node: string, pairs: number): Promise<Figure[]> {
  const withBuilds = async <T>(options: InstanceOptions, body: (builds: Builds) => Promise<T>) => {
    const instance = await makeInstance(options);
    const agents = (file?: string) => prepareAgents(instance, node, file);
    try {
      return await body({ instance, now: agents(), before: agents(before) });
    } finally {
      await instance.dispose();
    }
  };
  const small = await withBuilds({}, (builds) => monitors(builds, 2 * pairs));
  const many = await withBuilds(MANY_PROCESSES, (builds) => monitors(builds, 2 * pairs));
  return [
    { name: 'healthy monitor / before', ...small, bound: 1.03 },
    { name: 'healthy monitor, 500 processes / before', ...many, bound: 1.1 },
    ...(await withBuilds({}, (builds) => lives(builds, pairs))),
  ];
}

async function monitors(
  { now, before }: Builds,
  rounds: number,
): Promise<Pick<Figure, 'ours' | 'reference'>> {
  const [ours, reference] = [series(now.ours('monitor')), series(before.ours('monitor'))];
  await run(now.ours('start'));
  await interleave([ours, reference], rounds);
  await run(now.ours('stop'));
  return { ours: median(ours.times), reference: median(reference.times) };
}

async function lives({ instance, now, before }: Builds, pairs: number): Promise<Figure[]> {
  const { ours, other } = await measureLife(instance, now.ours, before.ours, pairs);
  return [
    { name: 'start / before', ours: ours.start, reference: other.start },
    { name: 'stop / before', ours: ours.stop, reference: other.stop },
  ];
}
