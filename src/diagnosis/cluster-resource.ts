import { Failure, type Problem } from '../failure/failure.ts';
import { PARAMETER_NAMES } from '../interface/parameters.ts';
import { OCF_ERR_ARGS } from '../ocf/exit-code.ts';
import type { Invocation } from '../ocf/invocation.ts';
import { oneLine } from '../text/one-line.ts';
import { instanceHere } from './cluster-instance.ts';
import { askParameters, type ResourceParameters } from './cluster-parameters.ts';
import { askHolders, describeHolders, type Holder, insideContainer } from './cluster-place.ts';
import { callTool } from './cluster-tools.ts';
import { childrenOf, type Element, parseXml } from './xml.ts';

/** A resource of the cluster, as Pacemaker would call the agent for it. */
export interface ClusterResource {
  /** Of the primitive itself. */
  readonly id: string;
  readonly invocation: Invocation;
  /** Where the parameters came from, for the report. */
  readonly source: string;
  /** What the resource is part of, and how its parameters were found. */
  readonly found: string;
  /** What of it could not be found out, or does not fit this node. */
  readonly problems: readonly Problem[];
}

/**
 * Asks the cluster for a resource: its name and parameters (`crm_resource`; the variable CIB_file makes it read a
 * file). `resource` may be a primitive, one numbered instance of a unique clone, or a group, clone or bundle with one
 * Kamailio inside. Parameters in the caller's environment do not count: Pacemaker would not pass them.
 * Throws Failure OCF_ERR_INSTALLED without Pacemaker's tools, OCF_ERR_ARGS when there is no such resource.
 */
export async function askCluster(resource: string, invocation: Invocation): Promise<ClusterResource> {
  const { env } = invocation;
  const primitive = pickPrimitive(await queryResource(resource, env), resource);
  const id = String(primitive['@id']);
  const holders = await askHolders(id, env);
  const parameters = await askParameters(id, env);
  const instance = instanceHere(id, resource, isUnique(id, env), parameters.values);
  return {
    id,
    invocation: { ...invocation, env: environmentOf(parameters, env), instance: instance.name },
    source: `the cluster's resource ${resource.split(':')[0] === id ? resource : `${id} in ${resource}`}`,
    found: describe(id, holders, parameters),
    problems: [
      ...insideContainer(id, holders),
      ...rulesOfNoNode(id, [primitive, ...holders.map(({ element }) => element)], parameters),
      ...unknownAttributes(id, parameters),
      ...instance.problems,
    ],
  };
}

async function queryResource(resource: string, env: NodeJS.ProcessEnv): Promise<Element> {
  // A name that begins with a dash would be an option of crm_resource.
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.:-]*$/.test(resource)) {
    throw new Failure(
      { seen: `"${oneLine(resource, 80)}" is not a name of a resource`, remedy: 'see `crm_resource --list`' },
      OCF_ERR_ARGS,
    );
  }
  const { status, stdout, stderr } = callTool('crm_resource', ['--resource', resource, '--query-xml'], env);
  const xml = stdout.slice(stdout.search(/^</m));
  if (status === 0 && xml.startsWith('<')) return parseXml(xml);
  throw new Failure(
    {
      seen: `crm_resource knows no resource ${resource}: ${oneLine(stderr, 200)}`,
      remedy: 'see `crm_resource --list`, and call this on a node where the cluster runs',
    },
    OCF_ERR_ARGS,
  );
}

/** The Kamailio primitive in a resource, however deep in groups and clones. */
function pickPrimitive(root: Element, resource: string): Element {
  const found = collect(root).filter((element) => element['@type'] === 'kamailio');
  const [only] = found;
  if (only && found.length === 1) return only;
  throw new Failure(
    only
      ? {
          seen: `${resource} holds several Kamailio resources`,
          remedy: `name one of ${found.map((element) => element['@id']).join(', ')}`,
        }
      : {
          seen: `${resource} holds no resource of the agent kamailio`,
          remedy: 'see `crm_resource --list`',
        },
    OCF_ERR_ARGS,
  );
}

function collect(element: Element): Element[] {
  return Object.entries(element).flatMap(([name, children]) =>
    typeof children === 'object'
      ? children.flatMap((child) => (name === 'primitive' ? [child] : collect(child)))
      : [],
  );
}

/** Whether the cluster numbers the instances of a primitive: then crm_resource calls it `id:0` in the line about its state. */
function isUnique(id: string, env: NodeJS.ProcessEnv): boolean {
  const { stdout } = callTool('crm_resource', ['--resource', id, '--query-xml'], env);
  const words = stdout.slice(0, stdout.search(/^</m)).split(/\s+/);
  return words.some((word) => word.startsWith(`${id}:`) && /^\d+$/.test(word.slice(id.length + 1)));
}

function environmentOf({ values }: ResourceParameters, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const others = Object.entries(env).filter(([name]) => !name.startsWith('OCF_RESKEY_'));
  const passed = [...values].map(([name, value]) => [`OCF_RESKEY_${name}`, value]);
  return Object.fromEntries([...others, ...passed]);
}

function describe(id: string, holders: readonly Holder[], { values, node }: ResourceParameters): string {
  const place = holders.length === 0 ? id : `${id}, in ${describeHolders(holders)}`;
  const how =
    node === undefined
      ? 'as `crm_resource --get-parameter` gives them'
      : `as the cluster passes them on the node ${node}`;
  const set = [...values].map(([name, value]) => `${name}=${oneLine(value, 60)}`).sort();
  return `${place}: ${set.join(', ') || 'no parameter is set'}, ${how}`;
}

/**
 * A rule may ask for attributes of a node. Where crm_resource cannot be asked for this node, it takes the node that
 * runs the resource. If none or several do, such a rule counts as false. The parameters may be others here.
 */
function rulesOfNoNode(id: string, elements: readonly Element[], { node }: ResourceParameters): Problem[] {
  const sets = elements.flatMap((element) => childrenOf(element, 'instance_attributes'));
  const inQuestion = sets.filter((set) => /"@attribute"|"@id-ref"/.test(JSON.stringify(set)));
  if (node !== undefined || inQuestion.length === 0) return [];
  const names = inQuestion.map((set) => set['@id'] ?? set['@id-ref']).join(', ');
  return [
    {
      seen: `${id} may have other parameters on this node: the rules of ${names} can ask for a node, and crm_resource cannot be asked for this one`,
      remedy: 'compare them with those above, and give those of this node as flags',
    },
  ];
}

/** A mistyped name: the cluster passes it, and no agent reads it. */
function unknownAttributes(id: string, { values }: ResourceParameters): Problem[] {
  const known: readonly string[] = PARAMETER_NAMES;
  return [...values.keys()]
    .filter((name) => !known.includes(name))
    .map((name) => ({
      seen: `${id} sets ${oneLine(name, 60)}, which is not a parameter of this agent: it has no effect`,
      remedy: 'the names are in `man ocf_heartbeat_kamailio`',
    }));
}
