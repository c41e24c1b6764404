import type { RunOptions } from '../testbed/enter.ts';
import { KAMAILIO, PIDFILE } from '../testbed/kamailio.ts';
import type { TestbedNode } from '../testbed/node.ts';
import type { FailedOperation } from '../testbed/state.ts';
import type { Testbed } from '../testbed/testbed.ts';
import { FIFO } from './configuration.ts';

/** The Kamailio that a fault is about, as it was before the fault. Pids are the node's own. */
export interface Service {
  readonly testbed: Testbed;
  /** Where it runs. */
  readonly node: TestbedNode;
  /** A node where it does not run. */
  readonly target: TestbedNode;
  readonly main: number;
  /** All its processes. */
  readonly pids: readonly number[];
  /** Failures of earlier faults that the cluster still counts. */
  readonly failCount: number;
  /** Failed operations that the cluster shows besides those of earlier faults. */
  failures(): Promise<FailedOperation[]>;
  /** The first failed monitor that its node has logged since, also when the cluster shows a later failure instead. */
  loggedMonitor(): { readonly code: number; readonly reason: string } | undefined;
  /** Whether its node has logged a report of the watcher since, also when the cluster shows a later failure instead. */
  isReported(): boolean;
  /** What the cluster has decided to do with it since, on whichever node coordinates: `Start kamailio ( node2 )`. */
  decisions(): readonly string[];
  /** Those of its processes that Kamailio describes so (RPC core.psx). Throws when there is none. */
  workers(description: RegExp): Promise<number[]>;
  /** Signals processes on its node. */
  signal(name: string, pids: readonly number[]): Promise<void>;
  /** Runs a shell script on its node; throws when it fails. */
  sh(script: string, ...args: readonly string[]): Promise<string>;
  /** Calls a method of its RPC interface; returns the reply's text. */
  rpc(method: string, ...params: readonly string[]): Promise<string>;
}

/** The service as it runs now. Throws when it does not. */
export async function findService(testbed: Testbed): Promise<Service> {
  const node = await testbed.runningOn(KAMAILIO);
  const target = testbed.nodes.find((candidate) => candidate.name !== node?.name);
  if (!node || !target) throw new Error('Kamailio does not run on one node');
  const pids = await kamailioPids(node);
  const shown = async () => (await testbed.state()).failures;
  const logged = node.log().length;
  const allLogged = testbed.nodes.map((one) => ({ one, length: one.log().length }));
  const earlier = new Set((await shown()).map((failure) => JSON.stringify(failure)));
  const service: Service = {
    testbed,
    node,
    target,
    main: Number(await node.read(PIDFILE)),
    pids,
    failCount: await failCount({ testbed }),
    failures: async () => (await shown()).filter((failure) => !earlier.has(JSON.stringify(failure))),
    loggedMonitor: () => {
      const [, reason = '', code] = FAILED_MONITOR.exec(node.log().slice(logged)) ?? [];
      return code === undefined ? undefined : { code: Number(code), reason };
    },
    isReported: () => REPORT.test(node.log().slice(logged)),
    decisions: () =>
      allLogged.flatMap(({ one, length }) =>
        [...one.log().slice(length).matchAll(DECISION)].map(([, what = '']) => what.replace(/\s+/g, ' ')),
      ),
    workers: async (description) => {
      const { result }: { result: readonly Worker[] } = JSON.parse(await service.rpc('core.psx'));
      const found = result.filter(({ DSC }) => description.test(DSC)).map(({ PID }) => PID);
      if (found.length > 0) return found;
      throw new Error(`no process is ${description}, but ${result.map(({ DSC }) => DSC).join(', ')}`);
    },
    signal: async (name, targets) => {
      await node.mustRun(['kill', `-${name}`, ...targets.map(String)]);
    },
    sh: (script, ...args) => node.mustRun(['sh', '-ec', script, 'fault', ...args]),
    rpc: (method, ...params) => callRpc(node, method, params),
  };
  return service;
}

/** How many failures of Kamailio the cluster counts, on all nodes. */
export async function failCount({ testbed }: Pick<Service, 'testbed'>): Promise<number> {
  const { history } = await testbed.state();
  const counts = new Map(
    history.filter(({ resource }) => resource === KAMAILIO).map((one) => [one.node, one.failCount]),
  );
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

/** A line of the controller in pacemaker.log. */
const FAILED_MONITOR = new RegExp(
  `Result of monitor operation for ${KAMAILIO} on \\S+: .*?\\((.*)\\) \\| .* key=${KAMAILIO}_monitor_[1-9]\\d* rc=([1-9]\\d*)`,
);

/** What the cluster notes when a watcher has reported a failure: to Pacemaker that is an operation of its own. */
const REPORT = new RegExp(`Setting fail-count-${KAMAILIO}#asyncmon_0\\[.* -> \\d`);

/** A line of the scheduler in pacemaker.log. */
const DECISION = new RegExp(`Actions: (\\w+\\s+${KAMAILIO}\\s.*?\\))`, 'g');

/** Pids of the instance's processes on a node; Kamailios of other instances are not among them. */
export async function kamailioPids(node: TestbedNode): Promise<number[]> {
  const { stdout } = await node.run(['pgrep', '-x', '-a', 'kamailio']);
  const lines = stdout.split('\n').filter((line) => line.includes(` -P ${PIDFILE} `));
  return lines.map((line) => Number.parseInt(line, 10));
}

/** An entry of core.psx. */
interface Worker {
  readonly PID: number;
  readonly DSC: string;
}

const RPC = `reply=fault_$$; mkfifo -m 666 "/tmp/$reply"; trap 'rm -f "/tmp/$reply"' EXIT
  printf '{"jsonrpc":"2.0","method":"%s","params":%s,"reply_name":"%s","id":1}\\n' "$2" "$3" "$reply" >"$1"
  timeout 10 cat "/tmp/$reply"`;

function callRpc(node: TestbedNode, method: string, params: readonly string[]): Promise<string> {
  const values = params.map((value) => (/^\d+$/.test(value) ? Number(value) : value));
  const options: RunOptions = { timeoutMs: 20_000 };
  return node.mustRun(['sh', '-ec', RPC, 'rpc', FIFO, method, JSON.stringify(values)], options);
}
