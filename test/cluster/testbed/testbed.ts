import { pause } from '../../support/instance.ts';
import { cleanUp } from './clean-up.ts';
import { OUTSIDE_ADDRESS, SERVICE_ADDRESS } from './configuration.ts';
import { type Init, type Program, type Run, type RunOptions, runInside, startInside } from './enter.ts';
import { isIdle, untilOnline } from './idle.ts';
import { end } from './init.ts';
import { createKamailio, type KamailioOptions } from './kamailio.ts';
import type { AgentName, TestbedNode } from './node.ts';
import { type ClusterState, parseState } from './state.ts';

/** A cluster of its own on this machine: corosync and pacemaker on nodes that are sets of namespaces. */
export interface Testbed {
  /** The first process of the testbed, as the machine sees it. */
  readonly init: Init;
  readonly nodes: readonly TestbedNode[];
  /** Node 1, 2, …, or by its name. Throws when there is none. */
  node(which: number | string): TestbedNode;
  /** A host at the nodes' bridge that is none of them, where callers are. It sees the files of this machine. */
  readonly outside: {
    readonly address: string;
    run(argv: readonly string[], options?: RunOptions): Promise<Run>;
    start(argv: readonly string[], options?: RunOptions): Program;
  };
  /** Whether a poll from outside, OPTIONS sip:monitor@ADDRESS:PORT over UDP, is answered with 200. */
  answers(address?: string, port?: number): Promise<boolean>;
  /** Runs a command of the cluster on the first node whose cluster answers; returns its stdout, throws when it fails. */
  command(argv: readonly string[], options?: RunOptions): Promise<string>;
  /** What the cluster says now, as that node sees it, or the first that answers. Throws while none does. */
  state(seenBy?: TestbedNode): Promise<ClusterState>;
  /** The node that an active resource runs on, when that is exactly one. */
  runningOn(resource: string): Promise<TestbedNode | undefined>;
  /** Waits until a resource runs on exactly one node, on another than `notOn` where that is given; returns it. */
  untilRunning(resource: string, notOn?: TestbedNode): Promise<TestbedNode>;
  /**
   * Waits until `condition` returns something other than false or undefined, and returns that. A condition that
   * throws does not hold yet. Throws after `limitMs`, with what the cluster says and the last errors it threw.
   */
  waitFor<T>(
    condition: (() => Promise<T>) | (() => T),
    what: string,
    limitMs?: number,
  ): Promise<NonNullable<T>>;
  /** Waits until every node is online, the cluster has a coordinator, and nothing is left to do. */
  untilOnline(): Promise<void>;
  /** Waits until the cluster has nothing left to do. */
  settle(limitMs?: number): Promise<void>;
  /** Adds a resource to the CIB, such as `primitiveXml`, `groupXml` or `cloneXml` make. */
  createResource(xml: string): Promise<void>;
  createKamailio(options?: KamailioOptions): Promise<void>;
  /** Puts an agent in its place on every node. */
  useAgent(agent: AgentName): Promise<void>;
  /**
   * As after `openTestbed`: all nodes on, online and in the bridge, no resource, no failure, no constraint, the first
   * options and configuration files, our agent. What a test changed elsewhere on a node's disk it puts back itself.
   */
  cleanUp(): Promise<void>;
  /** Ends the testbed. Nothing is left of it when this returns. */
  close(): Promise<void>;
}

/** Pause between two looks at a condition, or as long as the look took: on a loaded machine the cluster needs the CPU. ms */
const POLL_MS = 150;
/** The name of the machine need not be known to its resolver. */
const SIPSAK = ['sipsak', '-H', OUTSIDE_ADDRESS];
/** Generous: nothing that a cluster does here takes that long, and no test asserts a time. */
const LIMIT_MS = 90_000;

/** The testbed around its first process and its nodes. */
export function assembleTestbed(init: Init, nodes: readonly TestbedNode[]): Testbed {
  const run = async (argv: readonly string[], options?: RunOptions) => runInside(init, argv, options);
  const readState = stateReader();
  const testbed: Testbed = {
    init,
    nodes,
    node: (which) => {
      const found = nodes.find(({ number, name }) => number === which || name === which);
      if (!found)
        throw new Error(`this testbed has no node ${which}, but ${nodes.map(({ name }) => name).join(', ')}`);
      return found;
    },
    outside: { address: OUTSIDE_ADDRESS, run, start: (argv, options) => startInside(init, argv, options) },
    answers: async (address = SERVICE_ADDRESS, port = 5060) =>
      (await run([...SIPSAK, '-s', `sip:monitor@${address}:${port}`], { timeoutMs: 5000 })).code === 0,
    command: (argv, options) => command(nodes, argv, options),
    state: (seenBy) => readState((argv) => (seenBy ? seenBy.mustRun(argv) : testbed.command(argv))),
    runningOn: async (resource) => {
      const { resources } = await testbed.state();
      const places = resources.filter(
        ({ id, active, role }) => id === resource && active && role === 'Started',
      );
      const [name, ...others] = places.flatMap((place) => place.nodes);
      return name === undefined || others.length > 0 ? undefined : testbed.node(name);
    },
    untilRunning: (resource, notOn) =>
      testbed.waitFor(
        async () => {
          const node = await testbed.runningOn(resource);
          return node?.name === notOn?.name ? undefined : node;
        },
        `${resource} runs${notOn ? ` elsewhere than on ${notOn.name}` : ''}`,
      ),
    waitFor: (condition, what, limitMs = LIMIT_MS) => waitFor(testbed, condition, what, limitMs),
    untilOnline: () => untilOnline(testbed),
    settle: async (limitMs) => {
      await testbed.waitFor(() => isIdle(testbed), 'the cluster is idle', limitMs);
    },
    createResource: async (xml) => {
      await testbed.command(['cibadmin', '--create', '--scope', 'resources', '--xml-text', xml]);
    },
    createKamailio: (options) => createKamailio(testbed, options),
    useAgent: async (agent) => {
      for (const node of nodes) await node.useAgent(agent);
    },
    cleanUp: () => cleanUp(testbed),
    close: () => end(init),
  };
  return testbed;
}

/**
 * Reads the cluster's state by a program that runs on a node. All that crm_mon says follows from the CIB, which costs a
 * twentieth of it, and who waits for something asks again and again: what was read from the same CIB is read once.
 */
function stateReader(): (ask: (argv: readonly string[]) => Promise<string>) => Promise<ClusterState> {
  let last: { readonly cib: string; readonly state: ClusterState } | undefined;
  return async (ask) => {
    const cib = await ask(['cibadmin', '--query']);
    if (last?.cib !== cib)
      last = { cib, state: parseState(await ask(['crm_mon', '--output-as=xml', '--inactive'])) };
    return last.state;
  };
}

async function command(
  nodes: readonly TestbedNode[],
  argv: readonly string[],
  options?: RunOptions,
): Promise<string> {
  let last = 'all nodes are off';
  for (const node of nodes.filter((candidate) => candidate.isOn())) {
    const { code, stdout, stderr } = await node.run(argv, options);
    if (code === 0) return stdout;
    last = `${argv.join(' ')} on ${node.name} ended with ${code}: ${stdout}${stderr}`;
    // 102: the cluster does not run there (crm_error(8)); another node may know.
    if (code !== 102) break;
  }
  throw new Error(last);
}

async function waitFor<T>(
  testbed: Testbed,
  condition: (() => Promise<T>) | (() => T),
  what: string,
  limitMs: number,
): Promise<NonNullable<T>> {
  let trouble = '';
  const limit = performance.now() + limitMs;
  for (let begin = performance.now(); begin < limit; begin = performance.now()) {
    try {
      const value = await condition();
      if (value !== false && value !== undefined && value !== null) return value;
      trouble = '';
    } catch (error) {
      trouble = error instanceof Error ? error.message : String(error);
    }
    await pause(Math.max(POLL_MS, performance.now() - begin));
  }
  throw new Error(`waited ${limitMs} ms in vain until ${what}. ${trouble}\n${await describe(testbed)}`);
}

/** What a person would look at first. */
async function describe(testbed: Testbed): Promise<string> {
  const status = await testbed
    .command(['crm_mon', '-1', '--inactive', '--failcounts'])
    .catch((error) => `${error}`);
  const logs = testbed.nodes.map((node) => {
    const lines = node
      .log()
      .split('\n')
      .filter((line) => /\b(error|warning|notice):/.test(line) && !/throttle_check|stonith/.test(line));
    return `${node.name}, last of pacemaker.log:\n${lines.slice(-6).join('\n')}`;
  });
  return [status, ...logs].join('\n');
}
