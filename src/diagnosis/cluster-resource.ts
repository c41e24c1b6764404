import { spawnSync } from 'node:child_process';
import { Failure, type Problem } from '../failure/failure.ts';
import { isExhaustion } from '../failure/system-error.ts';
import { PARAMETER_NAMES, PARAMETERS } from '../interface/parameters.ts';
import { OCF_ERR_ARGS, OCF_ERR_INSTALLED } from '../ocf/exit-code.ts';
import type { Invocation } from '../ocf/invocation.ts';
import { livingPidfiles } from '../process/instance.ts';
import { oneLine } from '../text/one-line.ts';
import { askParameters } from './cluster-parameters.ts';

/** How Pacemaker's tools are called; a cluster that is starting may keep them waiting. */
const QUERY = { encoding: 'utf8', timeout: 15_000 } as const;

/** An element as the XML parser gives it: attributes by `@name`, children by name, always as lists. */
interface Element {
  readonly [key: string]: string | readonly Element[] | undefined;
}

/** A resource of the cluster, as Pacemaker would call the agent for it. */
export interface ClusterResource {
  readonly invocation: Invocation;
  /** Where the parameters came from, for the report. */
  readonly source: string;
  /** What of it could not be found out, or does not fit this node. */
  readonly problems: readonly Problem[];
}

/**
 * Asks the cluster for a resource: its name and parameters (`crm_resource`; the variable CIB_file makes it read a
 * file). `resource` may be a primitive, or a group, clone or bundle with one Kamailio inside.
 * Throws Failure OCF_ERR_INSTALLED without Pacemaker's tools, OCF_ERR_ARGS when there is no such resource.
 */
export async function askCluster(resource: string, invocation: Invocation): Promise<ClusterResource> {
  const primitive = pickPrimitive(await queryXml(resource, invocation.env), resource);
  const id = String(primitive['@id']);
  const env = { ...invocation.env };
  const values = await askParameters(id, parameterNames(primitive), invocation.env);
  for (const [name, value] of values) env[`OCF_RESKEY_${name}`] = value;
  return {
    invocation: { ...invocation, env, instance: instanceName(id, values) },
    source: `the cluster's resource ${resource === id ? id : `${id} in ${resource}`}`,
    problems: [...rulesWithoutNode(primitive, id, invocation.env), ...insideContainer(id, invocation.env)],
  };
}

async function queryXml(resource: string, env: NodeJS.ProcessEnv): Promise<Element> {
  // A name that begins with a dash would be an option of crm_resource.
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.:-]*$/.test(resource)) {
    throw new Failure(
      { seen: `"${oneLine(resource, 80)}" is not a name of a resource`, remedy: 'see `crm_resource --list`' },
      OCF_ERR_ARGS,
    );
  }
  const answer = spawnSync('crm_resource', ['--resource', resource, '--query-xml'], {
    ...QUERY,
    env,
  });
  if (isExhaustion(answer.error)) throw answer.error;
  if (answer.error) {
    throw new Failure(
      {
        seen: `crm_resource cannot be called (${answer.error.message})`,
        remedy: "install pacemaker's command line tools, or give the parameters as flags",
      },
      OCF_ERR_INSTALLED,
    );
  }
  const xml = answer.stdout.slice(answer.stdout.search(/^</m));
  if (answer.status !== 0 || !xml.startsWith('<')) {
    throw new Failure(
      {
        seen: `crm_resource knows no resource ${resource}: ${oneLine(answer.stderr, 200)}`,
        remedy: 'see `crm_resource --list`, and call this on a node where the cluster runs',
      },
      OCF_ERR_ARGS,
    );
  }
  return parse(xml);
}

async function parse(xml: string): Promise<Element> {
  const { XMLParser } = await import('fast-xml-parser');
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    parseAttributeValue: false,
    isArray: (_name, _path, _leaf, isAttribute) => !isAttribute,
  });
  return parser.parse(xml);
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

/** The parameters that a primitive may have: those it names, and all if it refers to attributes elsewhere. */
function parameterNames(primitive: Element): readonly string[] {
  const sets = childrenOf(primitive, 'instance_attributes');
  const pairs = sets.flatMap((set) => childrenOf(set, 'nvpair'));
  if ([...sets, ...pairs].some((element) => element['@id-ref'] !== undefined)) return PARAMETER_NAMES;
  const named = pairs.map((pair) => String(pair['@name']));
  return PARAMETER_NAMES.filter((name) => named.includes(name));
}

/**
 * A rule may ask for attributes of a node. Pacemaker's tool asks the node that runs the resource; while none does,
 * such a rule counts as false, and the parameters may be others here.
 */
function rulesWithoutNode(primitive: Element, id: string, env: NodeJS.ProcessEnv): Problem[] {
  const sets = childrenOf(primitive, 'instance_attributes').filter((set) =>
    childrenOf(set, 'rule').some((rule) => JSON.stringify(rule).includes('"@attribute"')),
  );
  if (sets.length === 0 || runsSomewhere(id, env)) return [];
  return [
    {
      seen: `the rules of ${sets.map((set) => set['@id']).join(', ')} ask for a node, and ${id} runs on none: they count as false here`,
      remedy: 'give the parameters of this node as flags, or call this while the resource runs here',
    },
  ];
}

function runsSomewhere(id: string, env: NodeJS.ProcessEnv): boolean {
  const answer = spawnSync('crm_resource', ['--resource', id, '--locate'], { ...QUERY, env });
  return /is running on/.test(`${answer.stdout}${answer.stderr}`);
}

/** The processes of a bundle's primitive are in the PID namespace of a container, where this agent does not see them. */
function insideContainer(id: string, env: NodeJS.ProcessEnv): Problem[] {
  const words = ['--query', '--xpath', `//bundle[primitive[@id='${id}']]`];
  const answer = spawnSync('cibadmin', words, { ...QUERY, env });
  const bundle = answer.status === 0 ? /<bundle id="([^"]+)"/.exec(answer.stdout)?.[1] : undefined;
  if (bundle === undefined) return [];
  return [
    {
      seen: `${id} runs inside the containers of the bundle ${bundle}: what follows is how the node itself looks`,
      remedy: `call this inside a container, for example \`podman exec ${bundle}-podman-0 ocf-kamailio diagnose ${id}\``,
    },
  ];
}

function childrenOf(element: Element, name: string): readonly Element[] {
  const children = element[name];
  return typeof children === 'object' ? children : [];
}

/**
 * A unique clone's instance bears a number (`name:0`), which shows in its default pidfile. What counts is the pidfile
 * of a process that lives: directories of clones that were here once may be left.
 */
function instanceName(id: string, values: ReadonlyMap<string, string>): string {
  if (values.has('pidfile')) return id;
  const standard = new RegExp(
    `^(?:/var)?/run/kamailio_(${id.replaceAll('.', '\\.')}(?::\\d+)?)/kamailio\\.pid$`,
  );
  const binary = values.get('binary') ?? PARAMETERS.binary.default;
  const living = livingPidfiles(binary).flatMap((path) => standard.exec(path)?.[1] ?? []);
  return living.find((name) => name !== id) ?? id;
}
