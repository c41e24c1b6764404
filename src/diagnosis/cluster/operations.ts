import { timeoutForDrain, timeToDrain } from '../../drain/time.ts';
import type { Problem } from '../../failure/failure.ts';
import { ACTIONS } from '../../interface/actions.ts';
import type { Params } from '../../interface/parameters.ts';
import { allOf, attribute, childrenOf, type Element } from '../xml.ts';
import { type ClusterFacts, templatesOf } from './cib.ts';

/** What an operation without a timeout of its own may take, s (Pacemaker Explained, "Default timeout"). */
const CLUSTER_DEFAULT_S = 20;
/** A failure that nobody looks for this long is an outage this long, s. */
const RARE_S = 60;
/** What a stop needs besides stop_grace, s. */
const AFTER_GRACE_S = 1;

/** What is wrong with the operations of a resource: none that recurs, or too little time. */
export function checkOperations(facts: ClusterFacts, params: Params): readonly Problem[] {
  const { id } = facts;
  const { stop_grace } = params;
  const operations = [facts.primitive, ...templatesOf(facts, facts.primitive)]
    .flatMap((resource) => childrenOf(resource, 'operations'))
    .flatMap((list) => childrenOf(list, 'op'));
  const monitors = operations.filter(
    (one) => attribute(one, 'name') === 'monitor' && seconds(attribute(one, 'interval')) > 0,
  );
  const rare = monitors.every((one) => seconds(attribute(one, 'interval')) > RARE_S);
  const stop = timeoutOf(facts, operations, 'stop');
  return [
    ...(monitors.length === 0
      ? [
          {
            seen: 'no monitor recurs: the cluster does not notice that Kamailio has failed',
            remedy: `\`pcs resource op add ${id} monitor interval=10s timeout=30s\``,
          },
        ]
      : []),
    ...(monitors.length > 0 && rare
      ? [
          {
            seen: `no monitor comes more often than every ${RARE_S} s: an outage lasts that long before it is noticed`,
            remedy: `${monitors.map((one) => `\`pcs resource op remove ${attribute(one, 'id')}\``).join(', ')}, then \`pcs resource op add ${id} monitor interval=10s timeout=30s\``,
          },
        ]
      : []),
    ...(['start', 'stop', 'monitor'] as const)
      .filter((name) => name !== 'monitor' || (monitors.length > 0 && !rare))
      .flatMap((name) => shortTimeout(facts, operations, name)),
    ...(stop_grace !== undefined && stop <= stop_grace + AFTER_GRACE_S
      ? [
          {
            seen: `stop has a timeout of ${stop} s, and stop_grace takes ${stop_grace} s of it: a Kamailio that needs its grace is a failed stop, and the node is fenced`,
            remedy: `\`pcs resource update ${id} op stop timeout=${Math.ceil(stop_grace) + 10}s\``,
          },
        ]
      : []),
    ...shortDrain(id, stop, params),
  ];
}

function shortDrain(id: string, stop: number, { drain, drain_timeout, stop_grace }: Params): Problem[] {
  const left = timeToDrain(stop, stop_grace);
  if (!drain || drain_timeout === undefined || left >= drain_timeout) return [];
  return [
    {
      seen: `stop has a timeout of ${stop} s, which leaves ${Math.floor(left)} of the ${drain_timeout} s of drain_timeout: calls are cut then`,
      remedy: `\`pcs resource update ${id} op stop timeout=${timeoutForDrain(drain_timeout, stop_grace)}s\``,
    },
  ];
}

function shortTimeout(
  facts: ClusterFacts,
  operations: readonly Element[],
  name: 'start' | 'stop' | 'monitor',
): Problem[] {
  const suggested = ACTIONS[name].timeout ?? 0;
  const given = timeoutOf(facts, operations, name);
  if (given >= suggested) return [];
  const interval = operations.find(
    (one) => attribute(one, 'name') === name && seconds(attribute(one, 'interval')) > 0,
  );
  const which = interval ? ` interval=${attribute(interval, 'interval')}` : '';
  return [
    {
      seen: `${name} has a timeout of ${given} s; ${suggested} s are suggested`,
      remedy: `\`pcs resource update ${facts.id} op ${name}${which} timeout=${suggested}s\``,
    },
  ];
}

/** The shortest of an operation's timeouts, s. */
function timeoutOf({ cib }: ClusterFacts, operations: readonly Element[], name: string): number {
  const defaults = allOf(cib, 'op_defaults')
    .flatMap((element) => allOf(element, 'nvpair'))
    .filter((pair) => attribute(pair, 'name') === 'timeout')
    .map((pair) => seconds(attribute(pair, 'value')));
  const otherwise = defaults[0] || CLUSTER_DEFAULT_S;
  const own = operations
    .filter((one) => attribute(one, 'name') === name)
    .map((one) => seconds(attribute(one, 'timeout')) || otherwise);
  return own.length === 0 ? otherwise : Math.min(...own);
}

/** A duration as Pacemaker reads it: `10`, `10s`, `500ms`, `1min`, `1h`; 0 for none. */
function seconds(text: string): number {
  const [, number, unit = 's'] = /^\s*(\d+)\s*(\w*)\s*$/.exec(text) ?? [];
  const factor = { ms: 0.001, msec: 0.001, m: 60, min: 60, h: 3600, hr: 3600 }[unit] ?? 1;
  return number === undefined ? 0 : Number(number) * factor;
}
