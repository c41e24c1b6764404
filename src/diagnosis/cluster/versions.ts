import type { Problem } from '../../failure/failure.ts';
import { allOf, attribute, childrenOf, type Element } from '../xml.ts';
import { type ClusterFacts, isInstanceOf } from './cib.ts';

/** Nodes whose agent told the cluster the same, and what that was. */
interface Alike {
  readonly nodes: string[];
  readonly restarting: string;
}

/**
 * Whether the agents of the nodes differ, as far as the CIB shows it. With a start the cluster keeps which parameters that
 * node's agent restarts Kamailio for (`op-force-restart` of lrm_rsc_op), out of the agent's metadata as they were when
 * Pacemaker on that node first read them. Versions that agree on these parameters look alike. An agent without
 * reload-agent, such as the shell agent, tells none.
 */
export function checkVersions({ cib, id }: ClusterFacts): readonly Problem[] {
  const groups: Alike[] = [];
  for (const node of childrenOf(cib, 'status').flatMap((status) => childrenOf(status, 'node_state'))) {
    const restarting = toldBy(node, id);
    if (restarting === undefined) continue;
    const name = attribute(node, 'uname') || attribute(node, 'id');
    const alike = groups.find((group) => group.restarting === restarting);
    if (alike) alike.nodes.push(name);
    else groups.push({ nodes: [name], restarting });
  }
  if (groups.length < 2) return [];
  return [
    {
      seen: `the agent differs between nodes, as the cluster knows it: ${groups.map((group) => describe(group, groups)).join('; ')}`,
      remedy: `install the same version on each node (\`ocf-kamailio --version\`), in maintenance mode restart Pacemaker where it was another, for it keeps what it knows of an agent, then \`crm_resource --refresh --resource ${id}\``,
    },
  ];
}

/** The names in op-force-restart, sorted; empty if there are none, undefined if nothing on the node tells. */
function toldBy(node: Element, id: string): string | undefined {
  const found = allOf(node, 'lrm_resource')
    .filter((resource) => isInstanceOf(attribute(resource, 'id'), id))
    .flatMap((resource) => childrenOf(resource, 'lrm_rsc_op'))
    .find(tells);
  return found && attribute(found, 'op-force-restart').split(/\s+/).filter(Boolean).sort().join(' ');
}

function tells(operation: Element): boolean {
  return attribute(operation, 'operation') === 'start' && attribute(operation, 'rc-code') === '0';
}

function describe({ nodes, restarting }: Alike, groups: readonly Alike[]): string {
  const where = `that of ${nodes.join(' and ')}`;
  if (restarting === '') return `${where} has no reload-agent`;
  const others = groups.filter((group) => ![restarting, ''].includes(group.restarting));
  if (others.length === 0) return `${where} has a reload-agent`;
  const only = restarting
    .split(' ')
    .filter((name) => others.some((group) => !group.restarting.split(' ').includes(name)));
  return only.length === 0
    ? `${where} knows fewer parameters`
    : `${where} restarts Kamailio for ${only.join(', ')}`;
}
