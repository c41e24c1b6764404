import { spawnSync } from 'node:child_process';
import { allOf, attribute, childrenOf, type Element, parseXml } from '../xml.ts';

/** What the CIB holds of one Kamailio resource and what is around it. */
export interface ClusterFacts {
  readonly cib: Element;
  readonly id: string;
  readonly primitive: Element;
  /** The resource and the groups, clones and bundles that it is in, the outermost last. */
  readonly ids: readonly string[];
  readonly isCloned: boolean;
  /** The primitives of its group, in the order in which they start; itself alone without a group. */
  readonly group: readonly Element[];
}

/** Reads the whole CIB, status included; undefined if the cluster does not answer, or has no such resource any more. */
export async function readCluster(id: string, env: NodeJS.ProcessEnv): Promise<ClusterFacts | undefined> {
  const answer = spawnSync('cibadmin', ['--query'], {
    env,
    encoding: 'utf8',
    timeout: 15_000,
    maxBuffer: 256 * 1024 * 1024,
  });
  if (answer.status !== 0) return undefined;
  const root = parseXml(answer.stdout);
  const cib = childrenOf(root, 'cib')[0];
  const primitive = cib && allOf(cib, 'primitive').find((element) => attribute(element, 'id') === id);
  if (!primitive) return undefined;
  const above = ['group', 'clone', 'master', 'bundle'].flatMap((name) =>
    allOf(cib, name)
      .filter((element) => allOf(element, 'primitive').includes(primitive))
      .map((element) => ({ name, element })),
  );
  const group = above.find(({ name }) => name === 'group')?.element;
  return {
    cib,
    id,
    primitive,
    ids: [id, ...above.map(({ element }) => attribute(element, 'id'))],
    isCloned: above.some(({ name }) => name !== 'group'),
    group: group ? childrenOf(group, 'primitive') : [primitive],
  };
}

/** The value of an nvpair in the sets of a resource, or in those of its template. */
export function valueIn(facts: ClusterFacts, resource: Element, name: string): string | undefined {
  return [resource, ...templatesOf(facts, resource)]
    .flatMap((element) => childrenOf(element, 'instance_attributes'))
    .flatMap((set) => childrenOf(set, 'nvpair'))
    .filter((pair) => attribute(pair, 'name') === name)
    .map((pair) => attribute(pair, 'value'))[0];
}

/** The template that a resource refers to, if it does. */
export function templatesOf({ cib }: ClusterFacts, resource: Element): readonly Element[] {
  return allOf(cib, 'template').filter(
    (template) => attribute(template, 'id') === attribute(resource, 'template'),
  );
}

/** Whether a name in the status is that of a resource, or of an instance of its unique clone, which bears a number. */
export function isInstanceOf(name: string, id: string): boolean {
  return name === id || (name.startsWith(`${id}:`) && /^\d+$/.test(name.slice(id.length + 1)));
}
