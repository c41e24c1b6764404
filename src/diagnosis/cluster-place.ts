import type { Problem } from '../failure/failure.ts';
import { callTool } from './cluster-tools.ts';
import { type Element, parseXml } from './xml.ts';

/** A group, clone or bundle that a resource is in. */
export interface Holder {
  readonly kind: 'group' | 'clone' | 'bundle';
  readonly element: Element;
}

/** `master` is what a promotable clone was called before Pacemaker 2.0. */
const KINDS: ReadonlyMap<string, Holder['kind']> = new Map([
  ['group', 'group'],
  ['clone', 'clone'],
  ['master', 'clone'],
  ['bundle', 'bundle'],
]);

/** Where a primitive is: the group, clone or bundle around it, the nearest first. Empty if it stands alone or nobody says. */
export async function askHolders(id: string, env: NodeJS.ProcessEnv): Promise<readonly Holder[]> {
  const { status, stdout } = callTool('cibadmin', ['--query', '--scope', 'resources'], env);
  return status === 0 ? (holdersOf(parseXml(stdout), id, []) ?? []) : [];
}

/** `the group g in the clone c`. */
export function describeHolders(holders: readonly Holder[]): string {
  return holders.map(({ kind, element }) => `the ${kind} ${element['@id']}`).join(' in ');
}

/** The processes of a bundle's primitive are in the PID namespace of a container, where this agent does not see them. */
export function insideContainer(id: string, holders: readonly Holder[]): Problem[] {
  const bundle = holders.find(({ kind }) => kind === 'bundle')?.element;
  if (!bundle) return [];
  const name = bundle['@id'];
  const [runtime = 'podman'] = ['podman', 'docker', 'rkt'].filter((tag) => bundle[tag] !== undefined);
  return [
    {
      seen: `${id} runs inside the containers of the bundle ${name}: what follows is how the node itself looks`,
      remedy: `call this inside a container: \`${runtime} ps\` names those that run here, then for example \`${runtime} exec ${name}-${runtime}-0 ocf-kamailio diagnose ${id}\``,
    },
  ];
}

function holdersOf(element: Element, id: string, around: readonly Holder[]): readonly Holder[] | undefined {
  for (const [name, children] of Object.entries(element)) {
    if (typeof children === 'string' || children === undefined) continue;
    for (const child of children) {
      if (name === 'primitive' && child['@id'] === id) return around;
      const kind = KINDS.get(name);
      const found = holdersOf(child, id, kind ? [{ kind, element: child }, ...around] : around);
      if (found) return found;
    }
  }
  return undefined;
}
