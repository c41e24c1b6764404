import { childrenOf, type Element, parseXml } from '../diagnosis/xml.ts';
import { runProgram } from '../system/run-program.ts';

/** What of the cluster's resources has to do with a Kamailio that comes under it. */
export interface ClusterView {
  readonly addresses: readonly {
    readonly id: string;
    readonly ip: string;
    readonly group: string | undefined;
  }[];
  /** Resources of the class systemd, and their units. */
  readonly units: readonly { readonly id: string; readonly unit: string }[];
  /** The ids that are taken. */
  readonly ids: readonly string[];
}

/** Asks the cluster that runs on this node. A node without one has no resources. */
export async function viewCluster(env: NodeJS.ProcessEnv): Promise<ClusterView> {
  const answer = runProgram('cibadmin', ['--query', '--scope', 'resources'], { env, limitMs: 5000 });
  const none: ClusterView = { addresses: [], units: [], ids: [] };
  if (answer.status !== 0 || !answer.stdout.includes('<')) return none;
  const root = parseXml(answer.stdout);
  return view(root, undefined);
}

function view(element: Element, group: string | undefined): ClusterView {
  const parts = Object.entries(element).flatMap(([name, children]) =>
    typeof children === 'object' ? children.map((child) => viewOne(name, child, group)) : [],
  );
  return {
    addresses: parts.flatMap(({ addresses }) => addresses),
    units: parts.flatMap(({ units }) => units),
    ids: parts.flatMap(({ ids }) => ids),
  };
}

function viewOne(name: string, element: Element, group: string | undefined): ClusterView {
  const id = String(element['@id'] ?? '');
  const below = view(element, name === 'group' ? id : group);
  const ids = [id, ...below.ids];
  if (name !== 'primitive') return { ...below, ids };
  const type = String(element['@type'] ?? '');
  if (element['@class'] === 'systemd') return { addresses: [], units: [{ id, unit: type }], ids };
  const ip = type === 'IPaddr2' ? attributeOf(element, 'ip') : undefined;
  return { addresses: ip === undefined ? [] : [{ id, ip, group }], units: [], ids };
}

function attributeOf(primitive: Element, name: string): string | undefined {
  const pairs = childrenOf(primitive, 'instance_attributes').flatMap((set) => childrenOf(set, 'nvpair'));
  const value = pairs.find((pair) => pair['@name'] === name)?.['@value'];
  return typeof value === 'string' ? value : undefined;
}
