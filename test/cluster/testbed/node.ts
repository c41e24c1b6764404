import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AGENT, SHELL_AGENT } from '../../support/agent.ts';
import { nodeAddress, nodeName } from './configuration.ts';
import { type Init, type Program, type Run, type RunOptions, runInside, startInside } from './enter.ts';
import {
  diskPath,
  inTestbed,
  type Machine,
  makeDisk,
  powerOff,
  powerOn,
  readQuietly,
  runningInit,
} from './power.ts';
import { startStack, stopStack } from './stack.ts';

/** Which agent `ocf:heartbeat:kamailio` is: the built one, or the one of the package resource-agents. */
export type AgentName = 'ours' | 'shell';

/** A node of a testbed: a machine of its own in all that a cluster sees of it. */
export interface TestbedNode {
  readonly number: number;
  /** node1, node2, … */
  readonly name: string;
  readonly address: string;
  /** Where this machine sees the root of the node's disk, which /run, /tmp, /dev, /proc and /var/log are not on. */
  readonly diskRoot: string;
  /** Whether the machine is on; its cluster may be down all the same. */
  isOn(): boolean;
  /** The first process of the node, as the machine sees it. Throws when the node is off. */
  init(): Init;
  /** Runs a program on the node to its end, whatever its code. Throws when the node is off. */
  run(argv: readonly string[], options?: RunOptions): Promise<Run>;
  /** The same; returns its stdout, and throws with all it said when its code is not 0. */
  mustRun(argv: readonly string[], options?: RunOptions): Promise<string>;
  /** Starts a program that goes on beside the test, such as a SIP client. */
  start(argv: readonly string[], options?: RunOptions): Program;
  /** The file's text, undefined when there is none. */
  read(path: string): Promise<string | undefined>;
  /** Writes a file as root, with the mode 644. */
  write(path: string, text: string): Promise<void>;
  /** pacemaker.log as far as it is written; also of a node that is off. */
  log(): string;
  /** Puts an agent in its place, in one step, as a package does. */
  useAgent(agent: AgentName): Promise<void>;
  /** Starts corosync and pacemakerd; returns when the local cluster answers, not yet when the node is online. */
  startCluster(): Promise<void>;
  /** Shuts pacemakerd and corosync down in good order. */
  stopCluster(): Promise<void>;
  /** The node loses power: all its processes end at once, /run, /tmp and /dev/shm are gone, its disk stays. */
  kill(): Promise<void>;
  /** Turns the node on again, if it is off, and starts its cluster. */
  boot(): Promise<void>;
  /** Takes the node's cable out of the bridge, and puts it back. */
  cut(): Promise<void>;
  heal(): Promise<void>;
}

/** The path of the agent on each node. */
export const AGENT_PATH = SHELL_AGENT;

/**
 * Makes node `number` of a testbed, with both agents at hand and ours in place. It is off yet. `root` is what it runs:
 * the machine's own, or another release's.
 */
export async function makeNode(testbed: Init, number: number, root: string): Promise<TestbedNode> {
  const machine = machineOf(testbed, number);
  await makeDisk(machine, root);
  mkdirSync(diskPath(machine, 'agents'));
  copyFileSync(AGENT, diskPath(machine, 'agents/ours'));
  copyFileSync(join(root, SHELL_AGENT), diskPath(machine, 'agents/shell'));
  const node = knownNode(testbed, number);
  await node.useAgent('ours');
  return node;
}

/** A node of a testbed that has been made before. */
export function knownNode(testbed: Init, number: number): TestbedNode {
  const machine = machineOf(testbed, number);
  const { name, address } = machine;
  const init = () => {
    const found = runningInit(machine);
    if (!found) throw new Error(`${name} is off`);
    return found;
  };
  const node: TestbedNode = {
    number,
    name,
    address,
    diskRoot: diskPath(machine, 'root'),
    isOn: () => runningInit(machine) !== undefined,
    init,
    run: async (argv, options) => runInside(init(), argv, options),
    mustRun: async (argv, options) => {
      const { code, stdout, stderr } = await node.run(argv, options);
      if (code !== 0) throw new Error(`${argv.join(' ')} on ${name} ended with ${code}: ${stdout}${stderr}`);
      return stdout;
    },
    start: (argv, options) => startInside(init(), argv, options),
    read: async (path) => {
      const { code, stdout } = await node.run(['cat', '--', path]);
      return code === 0 ? stdout : undefined;
    },
    write: async (path, text) => {
      await node.mustRun(['sh', '-c', 'umask 022; cat >"$1"', 'write', path], { input: text });
    },
    log: () => readQuietly(diskPath(machine, 'var/log/pacemaker/pacemaker.log')),
    useAgent: (agent) => {
      const install = 'install -m 755 "$1" "$2.new" && mv "$2.new" "$2"';
      const paths = [`/run/bed/${name}/agents/${agent}`, `/run/bed/${name}/root${AGENT_PATH}`];
      return inTestbed(machine, ['sh', '-c', install, 'install', ...paths]);
    },
    startCluster: () => startStack(node),
    stopCluster: () => stopStack(node),
    kill: () => powerOff(machine),
    boot: async () => {
      if (!node.isOn()) await powerOn(machine);
      await startStack(node);
    },
    cut: () => inTestbed(machine, ['ip', 'link', 'set', name, 'nomaster']),
    heal: () => inTestbed(machine, ['ip', 'link', 'set', name, 'master', 'bridge', 'up']),
  };
  return node;
}

function machineOf(testbed: Init, number: number): Machine {
  return { testbed, name: nodeName(number), address: nodeAddress(number) };
}
