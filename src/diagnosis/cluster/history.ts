import type { Problem } from '../../failure/failure.ts';
import { allOf, attribute, childrenOf, type Element } from '../xml.ts';
import { type ClusterFacts, isInstanceOf } from './cib.ts';

const DAY_S = 86_400;
/** Codes that are no failure of a monitor or probe: success, not running, running as promoted, degraded. */
const NO_FAILURE = [0, 7, 8, 190, 191];

/** What failed on any node in the last day, and the failures that the cluster counts. */
export function checkHistory({ cib, id }: ClusterFacts): readonly Problem[] {
  const nodes = childrenOf(cib, 'status').flatMap((status) => childrenOf(status, 'node_state'));
  return nodes.flatMap((node) => {
    const name = attribute(node, 'uname') || attribute(node, 'id');
    return [...failedActions(node, name, id), ...failCounts(node, name, id)];
  });
}

function failedActions(node: Element, name: string, id: string): Problem[] {
  return allOf(node, 'lrm_resource')
    .filter((resource) => isInstanceOf(attribute(resource, 'id'), id))
    .flatMap((resource) => childrenOf(resource, 'lrm_rsc_op'))
    .filter(hasFailed)
    .map((operation) => ({ operation, at: Number(attribute(operation, 'last-rc-change')) }))
    .filter(({ at }) => at > Date.now() / 1000 - DAY_S)
    .sort((one, other) => one.at - other.at)
    .map(({ operation, at }) => {
      const [code, reason] = [attribute(operation, 'rc-code'), attribute(operation, 'exit-reason')];
      const kind = attribute(operation, 'operation');
      const time = new Date(at * 1000).toISOString().replace(/\.\d+Z$/, 'Z');
      return {
        where: `${name}, ${time}`,
        seen: `${kind} ended with ${STATUS[attribute(operation, 'op-status')] ?? code}${reason ? `: ${reason}` : ''}`,
        remedy: `when the cause is gone, \`crm_resource --cleanup --resource ${id} --node ${name}\``,
      };
    });
}

/** Results that no exit code of the agent's says (pcmk_exec_status): the code is Pacemaker's own then. */
const STATUS: Readonly<Record<string, string>> = { 2: 'a timeout', 1: 'a cancellation' };

/** A probe's 7 is an answer. A recurring monitor that finds nothing has failed, and is kept as the last failure. */
function hasFailed(operation: Element): boolean {
  const code = Number(attribute(operation, 'rc-code'));
  const status = attribute(operation, 'op-status');
  if (status === '-1') return false;
  if (attribute(operation, 'id').endsWith('_last_failure_0')) return code !== 0 && !isProbe(operation, code);
  return status === '2' || !NO_FAILURE.includes(code);
}

function isProbe(operation: Element, code: number): boolean {
  return (
    code === 7 && attribute(operation, 'operation') === 'monitor' && attribute(operation, 'interval') === '0'
  );
}

function failCounts(node: Element, name: string, id: string): Problem[] {
  const counts = childrenOf(node, 'transient_attributes')
    .flatMap((element) => allOf(element, 'nvpair'))
    .filter((pair) => {
      const [, resource = ''] = /^fail-count-([^#]+)/.exec(attribute(pair, 'name')) ?? [];
      return isInstanceOf(resource, id) && attribute(pair, 'value') !== '0';
    });
  return counts.map((pair) => {
    const operation = /#(\w+)_\d+$/.exec(attribute(pair, 'name'))?.[1] ?? 'operations';
    const count = attribute(pair, 'value');
    return {
      where: name,
      seen:
        count === 'INFINITY'
          ? `fail count of ${operation} is INFINITY: ${id} may not run there any more`
          : `fail count of ${operation} is ${count}`,
      remedy: `when the cause is gone, \`crm_resource --cleanup --resource ${id} --node ${name}\``,
    };
  });
}
