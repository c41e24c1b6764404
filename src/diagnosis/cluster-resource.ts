import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { isExhaustion } from '../error-code.ts';
import { Failure } from '../failure.ts';
import { ExitCode } from '../ocf/exit-code.ts';
import type { Invocation } from '../ocf/invocation.ts';
import { oneLine } from '../ocf/one-line.ts';

/** An element as the XML parser gives it: attributes by `@name`, children by name, always as lists. */
interface Element {
  readonly [key: string]: string | readonly Element[] | undefined;
}

/**
 * The invocation that Pacemaker would make for a resource: its name and parameters, read out of the CIB
 * (`crm_resource --query-xml`, which has templates worked in; the variable CIB_file makes it read a file).
 * RESOURCE may be a primitive, or a group or clone with one Kamailio inside.
 * Throws Failure `installed` without Pacemaker's tools, `arguments` when there is no such resource.
 */
export async function invocationOf(resource: string, invocation: Invocation): Promise<Invocation> {
  const primitive = pickPrimitive(await queryXml(resource, invocation.env), resource);
  const name = String(primitive['@id']);
  const env = { ...invocation.env };
  for (const [parameter, value] of attributesOf(primitive)) env[`OCF_RESKEY_${parameter}`] = value;
  return { ...invocation, env, instance: instanceName(name) };
}

async function queryXml(resource: string, env: NodeJS.ProcessEnv): Promise<Element> {
  // A name that begins with a dash would be an option of crm_resource.
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.:-]*$/.test(resource)) {
    throw new Failure(
      { seen: `"${oneLine(resource, 80)}" is no name of a resource`, remedy: 'see `crm_resource --list`' },
      ExitCode.arguments,
    );
  }
  const answer = spawnSync('crm_resource', ['--resource', resource, '--query-xml'], {
    encoding: 'utf8',
    env,
    timeout: 15_000,
  });
  if (isExhaustion(answer.error)) throw answer.error;
  if (answer.error) {
    throw new Failure(
      {
        seen: `crm_resource cannot be called (${answer.error.message})`,
        remedy: "install pacemaker's command line tools, or give the parameters as flags",
      },
      ExitCode.installed,
    );
  }
  const xml = answer.stdout.slice(answer.stdout.search(/^</m));
  if (answer.status !== 0 || !xml.startsWith('<')) {
    throw new Failure(
      {
        seen: `the cluster tells nothing about the resource ${resource}: ${oneLine(answer.stderr, 200)}`,
        remedy: 'see `crm_resource --list`, and call this on a node where the cluster runs',
      },
      ExitCode.arguments,
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
    ExitCode.arguments,
  );
}

function collect(element: Element): Element[] {
  return Object.entries(element).flatMap(([name, children]) =>
    typeof children === 'object'
      ? children.flatMap((child) => (name === 'primitive' ? [child] : collect(child)))
      : [],
  );
}

/** Name and value of each parameter. Of several sets that with the highest score counts; one with a rule is left out. */
function attributesOf(primitive: Element): [string, string][] {
  const sets = childrenOf(primitive, 'instance_attributes').filter(
    (set) => childrenOf(set, 'rule').length === 0,
  );
  const ascending = [...sets].reverse().sort((a, b) => score(a) - score(b));
  return ascending.flatMap((set) =>
    childrenOf(set, 'nvpair').map((pair): [string, string] => [
      String(pair['@name']),
      String(pair['@value'] ?? ''),
    ]),
  );
}

function childrenOf(element: Element, name: string): readonly Element[] {
  const children = element[name];
  return typeof children === 'object' ? children : [];
}

function score(set: Element): number {
  const text = String(set['@score'] ?? 0).replace('INFINITY', '1000000');
  return Number(text) || 0;
}

/** A unique clone's instance bears a number (`name:0`), which shows in its default pidfile's directory. */
function instanceName(name: string): string {
  const running = readdirSync('/run').find((entry) => entry.startsWith(`kamailio_${name}:`));
  return running ? running.slice('kamailio_'.length) : name;
}
