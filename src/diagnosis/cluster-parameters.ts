import { hostname } from 'node:os';
import { Failure } from '../failure/failure.ts';
import { PARAMETER_NAMES } from '../interface/parameters.ts';
import { oneLine } from '../text/one-line.ts';
import { callTool } from './cluster-tools.ts';
import { childrenOf, type Element, parseXml } from './xml.ts';

/** What the cluster passes to the agent for a resource. */
export interface ResourceParameters {
  /** Values by name; what is not set is not in the map. */
  readonly values: ReadonlyMap<string, string>;
  /** The node for which rules were worked out. Undefined: for the node that runs the resource, if it is only one. */
  readonly node: string | undefined;
}

/**
 * The parameters of a resource as the cluster would pass them on this node, with templates, references, rules, and
 * what group and clone hand down, worked in by crm_resource. `--digests` of Pacemaker 2.1 does it for the node that it
 * is asked for. `--get-parameter` of all versions does not: of a clone that runs on two nodes it takes the first
 * (2.1.5) or none (3.0). So it is for clusters of 2.0, and for a machine that is not a node of the cluster.
 * Throws Failure if crm_resource resolves nothing.
 */
export async function askParameters(id: string, env: NodeJS.ProcessEnv): Promise<ResourceParameters> {
  const node = nameOfThisNode(env);
  // The instances of a unique clone are only known by their numbers; with a node given, each has the same parameters.
  for (const name of [id, `${id}:0`]) {
    const words = ['--resource', name, '--node', node, '--digests', '--output-as=xml'];
    const { status, stdout } = callTool('crm_resource', words, env);
    const parameters = status === 0 ? passedParameters(parseXml(stdout)) : undefined;
    if (parameters) return { values: valuesOf(parameters), node };
  }
  const values = PARAMETER_NAMES.flatMap((name): [string, string][] => {
    const value = askOne(id, name, env);
    return value === undefined ? [] : [[name, value]];
  });
  return { values: new Map(values), node: undefined };
}

/** The cluster may know this machine by another name than the kernel. */
function nameOfThisNode(env: NodeJS.ProcessEnv): string {
  const { status, stdout } = callTool('crm_node', ['--name'], env);
  return (status === 0 && stdout.trim()) || hostname();
}

/** `<pacemaker-result><digests><digest type="all"><parameters port="5060"/>`: all that an operation is passed. */
function passedParameters(root: Element): Element | undefined {
  return childrenOf(root, 'pacemaker-result')
    .flatMap((result) => childrenOf(result, 'digests'))
    .flatMap((digests) => childrenOf(digests, 'digest'))
    .filter((digest) => digest['@type'] === 'all')
    .flatMap((digest) => childrenOf(digest, 'parameters'))
    .at(0);
}

function valuesOf(parameters: Element): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(parameters).flatMap(([key, value]): [string, string][] =>
      key.startsWith('@') && !key.startsWith('@CRM_meta_') ? [[key.slice(1), String(value)]] : [],
    ),
  );
}

/** One value; undefined if it is not set: then the tool prints nothing on stdout, and says so on stderr. */
function askOne(id: string, name: string, env: NodeJS.ProcessEnv): string | undefined {
  const words = ['--resource', id, '--get-parameter', name];
  const { stdout, stderr } = callTool('crm_resource', words, env);
  if (stdout !== '') return stdout.replace(/\n$/, '');
  if (/Attribute .* not found|not found for/.test(stderr)) return undefined;
  throw new Failure({
    seen: `the cluster does not say what ${name} is for ${id}: \`crm_resource ${words.join(' ')}\` prints ${oneLine(stderr, 200) || 'nothing'}`,
    remedy: 'see `crm_mon -1`, or give the parameters as flags',
  });
}
