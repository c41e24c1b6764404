import type { Problem } from '../failure/failure.ts';
import { PARAMETERS } from '../interface/parameters.ts';
import { findProcesses, livingPidfiles } from '../process/instance.ts';

/** The name that Pacemaker gives an instance on this node (OCF_RESOURCE_INSTANCE). */
export interface InstanceName {
  readonly name: string;
  /** Why it may be another one. */
  readonly problems: readonly Problem[];
}

/**
 * Which instance of the primitive `id` is on this node. Those of a globally unique clone bear a number (`id:0`), which
 * names their pidfile unless that is a parameter. The number is found by a living process: the directory of an instance
 * that ran here once may be left in /run. `asked` is the name that the person gave.
 */
export function instanceHere(
  id: string,
  asked: string,
  isUnique: boolean,
  values: ReadonlyMap<string, string>,
): InstanceName {
  if (!isUnique) return { name: id, problems: [] };
  if (asked.startsWith(`${id}:`)) return { name: asked, problems: [] };
  if (values.has('pidfile')) return { name: id, problems: [] };
  const [name, ...others] = livingInstances(id, values);
  if (name === undefined) {
    return {
      name: `${id}:0`,
      problems: [
        {
          seen: `no instance of the unique clone of ${id} runs on this node: which number it would have here is not known, and ${id}:0 is taken`,
          remedy: `name the instance, for example \`diagnose ${id}:1\``,
        },
      ],
    };
  }
  return {
    name,
    problems: others.map((other) => ({
      seen: `${other} runs on this node, too: what follows is about ${name}`,
      remedy: `\`diagnose ${other}\` is about that one`,
    })),
  };
}

function livingInstances(id: string, values: ReadonlyMap<string, string>): string[] {
  const binary = values.get('binary') ?? PARAMETERS.binary.default;
  const kamuser = values.get('kamuser') ?? '';
  const named = livingPidfiles(binary).flatMap((pidfile) => {
    const name = /^(?:\/var)?\/run\/kamailio_(.+)\/kamailio\.pid$/.exec(pidfile)?.[1] ?? '';
    const isOne = name.startsWith(`${id}:`) && /^\d+$/.test(name.slice(id.length + 1));
    // Any account may start a program with such a word: only a process of the instance counts.
    return isOne && findProcesses({ binary, pidfile, kamuser }).length > 0 ? [name] : [];
  });
  return [...new Set(named)].sort();
}
