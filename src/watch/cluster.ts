import type { Deadline } from '../lifetime/deadline.ts';
import type { Invocation } from '../ocf/invocation.ts';
import { startProgram } from '../system/program.ts';
import { oneLine } from '../text/one-line.ts';

/** Whose failure is reported, in the cluster's names. */
export interface Place {
  /** A clone's member, a unique clone's instance (`kamailio:0`), a bundle's replica: as the executor calls it. */
  readonly resource: string;
  readonly node: string;
}

/** What the cluster makes of the resource now. */
export type Standing =
  | { readonly kind: 'wanted' }
  /** It is not to be recovered now: why, for the log. */
  | { readonly kind: 'unwanted'; readonly why: string }
  /** It does not run on this node, as far as the cluster knows. */
  | { readonly kind: 'elsewhere' }
  /** The cluster could not be asked. */
  | { readonly kind: 'unknown'; readonly why: string };

/**
 * The names of the resource and of this node; undefined outside a cluster. Pacemaker tells an agent the node in its
 * environment. A person who starts the resource by hand (`crm_resource --force-start`) does not: then crm_node is asked.
 */
export async function findPlace(
  { instance, env }: Invocation,
  deadline: Deadline,
): Promise<Place | undefined> {
  const named = env.OCF_RESKEY_CRM_meta_on_node;
  if (named) return { resource: instance, node: named };
  const { code, stdout } = await startProgram('crm_node', ['--name'], env, deadline).end;
  const node = stdout.trim();
  return code === 0 && node !== '' ? { resource: instance, node } : undefined;
}

/** Asks the cluster whether it wants the resource to run on this node now, and does not stop or recover it already. */
export async function askStanding(
  place: Place,
  env: NodeJS.ProcessEnv,
  deadline: Deadline,
): Promise<Standing> {
  const words = ['--one-shot', '--inactive', '--output-as=xml'];
  const { code, stdout, said } = await startProgram('crm_mon', words, env, deadline).end;
  if (code !== 0) {
    // It puts its errors into XML, too.
    const errors = [...stdout.matchAll(/<error>(.*?)<\/error>/gs)].map(([, text = '']) => text);
    return { kind: 'unknown', why: `crm_mon: ${oneLine(errors.at(-1) ?? said, 200)}` };
  }
  return standingIn(stdout, place);
}

/** Reads the standing out of crm_mon's XML, which escapes `<`, `>` and `"` in each value. */
export function standingIn(xml: string, { resource, node }: Place): Standing {
  const here = [...xml.matchAll(/<resource ([^>]*[^/>])>(.*?)<\/resource>/gs)]
    .map(([, head = '', nodes = '']) => ({ attributes: attributesIn(head), nodes }))
    .find(
      ({ attributes, nodes }) =>
        attributes.get('id') === resource &&
        [...nodes.matchAll(/<node ([^>]*)>/g)].some(
          ([, words = '']) => attributesIn(words).get('name') === node,
        ),
    );
  if (!here) return { kind: 'elsewhere' };
  const get = (name: string) => here.attributes.get(name);
  const unwanted = (why: string): Standing => ({ kind: 'unwanted', why });
  if (get('managed') !== 'true') return unwanted('the resource is not managed (maintenance mode)');
  if (get('target_role') === 'Stopped') return unwanted('its target role is Stopped');
  if (get('role') !== 'Started') return unwanted(`the cluster is ${get('role')?.toLowerCase()} it`);
  if (get('pending')) return unwanted(`an operation is pending (${get('pending')})`);
  if (get('failed') === 'true') return unwanted('the cluster knows of a failure already');
  return { kind: 'wanted' };
}

function attributesIn(text: string): ReadonlyMap<string, string> {
  return new Map([...text.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]));
}

/** The words of the report, for the log as well. */
export function reportCommand({ resource, node }: Place): readonly string[] {
  return ['crm_resource', '--fail', '--resource', resource, '--node', node];
}

/** Tells the cluster that the resource has failed on this node. Returns why it could not; undefined once accepted. */
export async function report(
  place: Place,
  env: NodeJS.ProcessEnv,
  deadline: Deadline,
): Promise<string | undefined> {
  const [program = '', ...words] = reportCommand(place);
  const { code, said } = await startProgram(program, words, env, deadline).end;
  return code === 0 ? undefined : `crm_resource: ${oneLine(said, 200)}`;
}
