import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readControlSettings } from '../../src/kamctl/kamctlrc.ts';
import { askActiveCalls } from '../../src/kamctl/methods.ts';
import { callRpc, type RpcArgument } from '../../src/kamctl/rpc.ts';
import { readStatus } from '../../src/process/procfs.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { within } from '../support/deadline.ts';
import { type InstanceOptions, type TestInstance, until } from '../support/instance.ts';
import { freePort } from '../support/ports.ts';
import {
  type Calls,
  calleeCommand,
  callerCommand,
  DRAIN_CONFIG,
  drainRoute,
  tallyOf,
  writeScenarios,
} from '../support/sip-calls.ts';

/** What the page on maintenance has an administrator set. */
export const DRAIN = { drain: 'cfg.set_now_int drain active 1', probe_drained: '503' };

/** A Kamailio that can be drained, with nobody to send calls to. */
export const DRAINABLE: InstanceOptions = { config: DRAIN_CONFIG, route: drainRoute('127.0.0.1:9') };

/** Asks the instance's Kamailio over its FIFO. */
export function rpc(
  instance: TestInstance,
  method: string,
  ...args: readonly RpcArgument[]
): Promise<unknown> {
  const settings = readControlSettings(instance.kamctlrc, instance.pidfile);
  return callRpc(settings, ownerOf(instance), method, args, within(10_000));
}

/** A Kamailio with running calls. */
export interface Talking {
  readonly instance: TestInstance;
  /** Waits until every caller has ended, and says how their calls went. */
  ended(): Promise<{ readonly kept: number; readonly cut: number }>;
}

/**
 * Runs `body` while a started Kamailio has `count` calls of `seconds`. `prepare` may change its files before the start.
 * Ends SIPp whatever happens.
 */
export async function withCalls(
  count: number,
  seconds: number,
  body: (talking: Talking) => Promise<void>,
  prepare: (instance: TestInstance) => void = () => {},
): Promise<void> {
  const [calleePort, callerPort] = [await freePort(), await freePort()];
  const options = { ...DRAINABLE, route: drainRoute(`127.0.0.1:${calleePort}`) };
  await withInstance(options, async (instance) => {
    prepare(instance);
    assertCall(await call(instance, 'start'), 0);
    const { directory, port } = instance;
    const proxy = `127.0.0.1:${port}`;
    const calls: Calls = { directory, own: '127.0.0.1', proxy, calleePort, callerPort, count, seconds };
    writeScenarios(directory);
    const callee = start(calleeCommand(calls), directory);
    const caller = start(callerCommand(calls), directory);
    try {
      await until(async () => (await activeCalls(instance)) === count, 'all calls run');
      await body({
        instance,
        ended: async () => {
          await caller.ended;
          return tallyOf(calls);
        },
      });
    } finally {
      caller.kill();
      callee.kill();
      await Promise.all([caller.ended, callee.ended]);
    }
  });
}

function activeCalls(instance: TestInstance): Promise<number> {
  const settings = readControlSettings(instance.kamctlrc, instance.pidfile);
  return askActiveCalls(settings, ownerOf(instance), within(10_000));
}

function ownerOf(instance: TestInstance): { readonly uid: number; readonly gid: number } {
  return readStatus(instance.mainPid()) ?? { uid: 0, gid: 0 };
}

function start([program = '', ...args]: readonly string[], cwd: string) {
  const child = spawn(program, args, { cwd, stdio: 'ignore' });
  return { ended: once(child, 'exit'), kill: () => child.kill('SIGKILL') };
}
