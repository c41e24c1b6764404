import { XMLParser } from 'fast-xml-parser';

/** What the cluster says of itself: crm_mon(8), options --output-as=xml --inactive. */
export interface ClusterState {
  /** The coordinator (DC), undefined while none is elected. */
  readonly coordinator: string | undefined;
  readonly hasQuorum: boolean;
  readonly nodes: readonly NodeState[];
  /** One entry for each instance; those of groups and clones stand on their own here. */
  readonly resources: readonly ResourceState[];
  /** Operations that failed and were not cleaned up. */
  readonly failures: readonly FailedOperation[];
  /** The operations that the nodes remember, the last of each kind. */
  readonly history: readonly Operation[];
}

export interface NodeState {
  readonly name: string;
  readonly online: boolean;
  readonly standby: boolean;
  readonly maintenance: boolean;
  readonly pending: boolean;
  readonly unclean: boolean;
}

export interface ResourceState {
  /** Of a clone without the number of the instance. */
  readonly id: string;
  readonly agent: string;
  /** Started, Stopped, Starting, Stopping. */
  readonly role: string;
  readonly active: boolean;
  readonly managed: boolean;
  readonly failed: boolean;
  readonly blocked: boolean;
  readonly orphaned: boolean;
  /** The nodes that it runs on. */
  readonly nodes: readonly string[];
}

export interface FailedOperation {
  readonly resource: string;
  /** Its number on its node, which no other operation there has. */
  readonly call: number;
  readonly task: string;
  readonly intervalMs: number;
  readonly node: string;
  readonly code: number;
  /** not running, error, Timed Out, … */
  readonly status: string;
  readonly reason: string;
}

export interface Operation {
  readonly resource: string;
  readonly node: string;
  readonly call: number;
  readonly task: string;
  readonly intervalMs: number;
  readonly code: number;
  /** Failures that count against the migration-threshold of the resource on this node; INFINITY for 1000000. */
  readonly failCount: number;
}

/** RESOURCE_TASK_INTERVAL; the name of a resource may itself hold underscores. */
const OPERATION_KEY = /^(.*)_([a-z-]+)_(\d+)$/;

/** An element: its attributes as text, its children in lists by name. */
interface Element {
  readonly [name: string]: string | readonly Element[] | undefined;
}

/** Reads what crm_mon has printed. Throws when it is no XML of crm_mon. */
export function parseState(xml: string): ClusterState {
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    isArray: (_name, _path, _isLeaf, isAttribute) => !isAttribute,
  });
  const root = children(parser.parse(xml), 'pacemaker-result')[0];
  if (!root) throw new Error(`crm_mon printed something else: ${xml.slice(0, 300)}`);
  const within = (section: string, name: string) =>
    children(root, section).flatMap((element) => children(element, name));
  const coordinator = within('summary', 'current_dc')[0];
  return {
    coordinator: text(coordinator, 'name') || undefined,
    hasQuorum: text(coordinator, 'with_quorum') === 'true',
    nodes: within('nodes', 'node').map(nodeState),
    resources: children(root, 'resources').flatMap(descendantResources).map(resourceState),
    failures: within('failures', 'failure').map(failedOperation),
    history: within('node_history', 'node').flatMap(operations),
  };
}

function nodeState(element: Element): NodeState {
  return {
    name: text(element, 'name'),
    online: isTrue(element, 'online'),
    standby: isTrue(element, 'standby'),
    maintenance: isTrue(element, 'maintenance'),
    pending: isTrue(element, 'pending'),
    unclean: isTrue(element, 'unclean'),
  };
}

/** Resources of groups and clones are nested in these. */
function descendantResources(element: Element): Element[] {
  return Object.keys(element).flatMap((name) =>
    name === 'resource' ? children(element, name) : children(element, name).flatMap(descendantResources),
  );
}

function resourceState(element: Element): ResourceState {
  return {
    id: text(element, 'id'),
    agent: text(element, 'resource_agent'),
    role: text(element, 'role'),
    active: isTrue(element, 'active'),
    managed: isTrue(element, 'managed'),
    failed: isTrue(element, 'failed'),
    blocked: isTrue(element, 'blocked'),
    orphaned: isTrue(element, 'orphaned'),
    nodes: children(element, 'node').map((node) => text(node, 'name')),
  };
}

function failedOperation(element: Element): FailedOperation {
  const [, resource = '', task = '', interval = '0'] = OPERATION_KEY.exec(text(element, 'op_key')) ?? [];
  return {
    resource,
    call: Number(text(element, 'call')),
    task,
    intervalMs: Number(interval),
    node: text(element, 'node'),
    code: Number(text(element, 'exitcode')),
    status: text(element, 'status'),
    // Escaped twice by crm_mon of Pacemaker 2.1.
    reason: text(element, 'exitreason')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&'),
  };
}

function operations(node: Element): Operation[] {
  return children(node, 'resource_history').flatMap((resource) =>
    children(resource, 'operation_history').map((operation) => ({
      resource: text(resource, 'id'),
      node: text(node, 'name'),
      call: Number(text(operation, 'call')),
      task: text(operation, 'task'),
      intervalMs: Number.parseInt(text(operation, 'interval') || '0', 10),
      code: Number(text(operation, 'rc')),
      failCount: Number(text(resource, 'fail-count').replace('INFINITY', '1000000') || '0'),
    })),
  );
}

function children(element: Element, name: string): readonly Element[] {
  const value = element[name];
  // An element without attributes and children is an empty text to the parser.
  return Array.isArray(value) ? value.filter((child) => typeof child === 'object') : [];
}

function text(element: Element | undefined, name: string): string {
  const value = element?.[name];
  return typeof value === 'string' ? value : '';
}

function isTrue(element: Element, name: string): boolean {
  return text(element, name) === 'true';
}
