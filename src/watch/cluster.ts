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
  | { readonly kind: 'wanted'; readonly isRemote: boolean }
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
  return { kind: 'wanted', isRemote: isRemote(xml, node) };
}

/** Whether a node runs pacemaker_remoted in place of a cluster: a Pacemaker remote node, or the inside of a bundle. */
function isRemote(xml: string, node: string): boolean {
  return [...xml.matchAll(/<node ([^>]*)>/g)]
    .map(([, words = '']) => attributesIn(words))
    .some((attributes) => attributes.get('name') === node && attributes.get('type') === 'remote');
}

function attributesIn(text: string): ReadonlyMap<string, string> {
  return new Map([...text.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]));
}

/**
 * The words of the report, for the log as well. From a remote node the cluster takes no failure, and crm_resource says 0
 * all the same (Pacemaker 2.1: "does not have permission to fail" in the controller's log). There it is asked to look
 * again: it probes the resource, finds it gone, and starts it. That is no failure to the cluster, and is not counted.
 */
export function reportCommand({ resource, node }: Place, isRemote = false): readonly string[] {
  const what = isRemote ? ['--refresh', '--force'] : ['--fail'];
  return ['crm_resource', ...what, '--resource', resource, '--node', node];
}

/** Tells the cluster that the resource has failed on this node. Returns why it could not; undefined once accepted. */
export async function report(
  place: Place,
  isRemote: boolean,
  env: NodeJS.ProcessEnv,
  deadline: Deadline,
): Promise<string | undefined> {
  const [program = '', ...words] = reportCommand(place, isRemote);
  const { code, said } = await startProgram(program, words, env, deadline).end;
  return code === 0 ? undefined : `crm_resource: ${oneLine(said, 200)}`;
}
