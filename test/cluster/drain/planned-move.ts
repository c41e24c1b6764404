import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { blockOf } from '../../support/page.ts';
import {
  type Calls,
  calleeCommand,
  callerCommand,
  DRAIN_CONFIG,
  drainRoute,
  tallyOf,
  writeScenarios,
} from '../../support/sip-calls.ts';
import { SERVICE_ADDRESS } from '../testbed/configuration.ts';
import type { Program } from '../testbed/enter.ts';
import { exampleFile, KAMAILIO } from '../testbed/kamailio.ts';
import { AGENT_PATH, type TestbedNode } from '../testbed/node.ts';
import type { Testbed } from '../testbed/testbed.ts';

/** How many calls there are, and how long each lasts, s. */
export const COUNT = 50;
export const SECONDS = 20;

/** SIPp takes 6000 to 6002 for media. */
const CALLEE_PORT = 7000;

/** What came of the calls in a planned move. */
export interface Moved {
  readonly kept: number;
  readonly cut: number;
  readonly from: TestbedNode;
  readonly to: TestbedNode;
  /** What the cluster's log of the first node has since the move began. */
  readonly log: string;
}

/** Writes the kamailio.cfg of the page on maintenance to each node, and creates the group with Kamailio. */
export async function createPlatform(testbed: Testbed): Promise<void> {
  const route = drainRoute(`${testbed.outside.address}:${CALLEE_PORT}`);
  const text = exampleFile('kamailio.cfg').replace(
    'request_route {',
    `${DRAIN_CONFIG}\nrequest_route {${route}`,
  );
  for (const node of testbed.nodes) writeFileSync(`${node.diskRoot}/etc/kamailio/kamailio.cfg`, text);
  await testbed.createKamailio({ groupMeta: { 'resource-stickiness': '100' }, monitorInterval: 1 });
}

/** Runs a block of the page on a node, word for word. The packages install the agent as `ocf-kamailio`. */
export async function follow(node: TestbedNode, beginning: string): Promise<string> {
  const commands = blockOf('maintenance.md', beginning).replace('ocf-kamailio', AGENT_PATH);
  const { stdout, stderr, code } = await node.run(['sh', '-ec', commands], { timeoutMs: 120_000 });
  // diagnose ends as a monitor does.
  if (code !== 0 && !beginning.startsWith('ocf-kamailio'))
    throw new Error(`${commands} ended with ${code}: ${stdout}${stderr}`);
  return stdout;
}

/**
 * Makes the calls from outside, and when all run, moves the service away from its node as the page says. `meanwhile` is
 * called while the move is under way. Returns when the last caller has ended.
 */
export async function moveWithCalls(
  testbed: Testbed,
  callerPort: number,
  meanwhile: (from: TestbedNode) => Promise<void> = async () => {},
): Promise<Moved> {
  const directory = mkdtempSync('/tmp/ocf-kamailio-calls-');
  const calls: Calls = {
    directory,
    own: testbed.outside.address,
    proxy: `${SERVICE_ADDRESS}:5060`,
    calleePort: CALLEE_PORT,
    callerPort,
    count: COUNT,
    seconds: SECONDS,
  };
  writeScenarios(directory);
  const running: Program[] = [];
  try {
    const from = await testbed.untilRunning(KAMAILIO);
    const logged = from.log().length;
    running.push(testbed.outside.start(calleeCommand(calls)));
    const caller = testbed.outside.start(callerCommand(calls));
    running.push(caller);
    await testbed.waitFor(async () => (await ongoing(from)) === COUNT, 'all calls run');
    await follow(from, 'crm_standby --node "$(crm_node -n)" --update on');
    await meanwhile(from);
    const to = await testbed.untilRunning(KAMAILIO, from);
    await caller.ended;
    await testbed.settle();
    return { ...tallyOf(calls), from, to, log: from.log().slice(logged) };
  } finally {
    for (const program of running) await program.stop('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}

/** How many calls Kamailio has on a node; quicker than diagnose, for the calls last for seconds. */
async function ongoing(node: TestbedNode): Promise<number> {
  const { stdout } = await node.run(['kamctl', 'rpc', 'dlg.stats_active']);
  return Number(/"ongoing":\s*(\d+)/.exec(stdout)?.[1]);
}

/** How many calls diagnose counts on a node; undefined if it does not. */
export async function callsOf(node: TestbedNode): Promise<number | undefined> {
  const [, count] = /drain +(no|\d+) calls? now/.exec(await follow(node, 'ocf-kamailio diagnose')) ?? [];
  return count === undefined ? undefined : count === 'no' ? 0 : Number(count);
}
