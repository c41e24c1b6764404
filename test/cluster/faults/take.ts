import * as assert from 'uvu/assert';
import { KAMAILIO, PIDFILE } from '../testbed/kamailio.ts';
import type { TestbedNode } from '../testbed/node.ts';
import type { FailedOperation } from '../testbed/state.ts';
import type { Testbed } from '../testbed/testbed.ts';
import { WATCH } from './configuration.ts';
import type { Fault, MonitorVerdict, Undo, Verdict } from './fault.ts';
import { assertHolds, assertNoFailure } from './holds.ts';
import { register, registered } from './registrations.ts';
import { findService, type Service } from './service.ts';

/** Generous, and yet a row that fails does not hold the others up for long. ms */
const LIMIT_MS = 60_000;
/** Callers that register before a fault. */
const CALLERS = 3;

/**
 * Takes the running service through a fault: it is inflicted, the monitor gives its verdict, the cluster reacts,
 * the machine is mended, and all is looked at again. Throws when anything is not as the row says. Afterwards the
 * service runs and the cluster knows of no failure.
 */
export async function take(testbed: Testbed, fault: Fault): Promise<void> {
  const undos: (Undo | undefined)[] = [];
  let service: Service;
  let callers: string | undefined;
  try {
    if (fault.prepare) {
      undos.push(await fault.prepare(await findService(testbed)));
      await testbed.settle();
    }
    service = await findService(testbed);
    callers = fault.registrations === 'kept' ? `caller${service.main}` : undefined;
    if (callers) await register(testbed, callers, CALLERS);
    undos.push(await fault.inflict(service));
    if (fault.monitor) await assertMonitor(service, fault.monitor);
    await untilDone(service, fault);
    for (const task of ['start', 'stop'] as const) {
      const verdict = fault[task];
      if (verdict) await assertFailure(service, task, verdict);
    }
  } finally {
    for (const undo of undos.reverse()) await undo?.();
  }
  if (callers) assert.is(await registered(service.node, callers), CALLERS, 'registrations are kept');
  // It takes its time. A monitor that failed is no obstacle to the next fault, but all else is.
  const isHarmless = fault.cluster === 'leaves it alone' || fault.cluster === 'restarts it here';
  if (!isHarmless) await testbed.command(['crm_resource', '--cleanup', '--resource', KAMAILIO]);
  await testbed.settle();
  await assertHolds(testbed);
  await fault.check?.(service);
}

async function assertMonitor(service: Service, verdict: MonitorVerdict): Promise<void> {
  const isKept = verdict.code !== 0 && verdict.code !== 190;
  const { called = isKept ? 'by the cluster' : 'by hand', level } = verdict;
  if (called === 'by the cluster') return assertFailure(service, 'monitor', verdict);
  const { code, reason } = await forceCheck(called === 'by hand' ? service.node : service.target, level);
  assertVerdict('monitor', verdict, code, reason);
}

/** Has a node's executor call a monitor, and returns what that said. */
export async function forceCheck(
  node: TestbedNode,
  level?: number,
): Promise<{ code: number; reason: string }> {
  const argv = ['crm_resource', '--resource', KAMAILIO, '--force-check'];
  const env: Record<string, string> = level === undefined ? {} : { OCF_CHECK_LEVEL: String(level) };
  const { stdout, stderr } = await node.run(argv, { env });
  const [, code] = /Operation force-check .* returned (\d+) /.exec(stdout + stderr) ?? [];
  const [, reason = ''] = /^ocf-exit-reason:(.*)$/m.exec(stdout + stderr) ?? [];
  if (code === undefined) throw new Error(`${argv.join(' ')} says: ${stdout}${stderr}`);
  return { code: Number(code), reason };
}

/**
 * Waits until the cluster shows that an operation of Kamailio has failed, and judges it. A monitor that failed is
 * shown until a start on the same node has failed, too; it may be as short as 0.2 s, and is in the log then.
 */
async function assertFailure(
  service: Service,
  task: 'start' | 'stop' | 'monitor',
  verdict: Verdict,
): Promise<void> {
  const isMeant = ({ resource, task: done, intervalMs }: FailedOperation) =>
    resource === KAMAILIO && done === task && (task !== 'monitor' || intervalMs > 0);
  const found = await service.testbed.waitFor(
    async () =>
      (task === 'monitor' && WATCH !== 'off' && service.isReported() && 'reported') ||
      ((await service.failures()).find(isMeant) ??
        (task === 'monitor' ? service.loggedMonitor() : undefined)),
    `the cluster shows a failed ${task}`,
    LIMIT_MS,
  );
  if (found === 'reported') console.log('         the watcher has reported it');
  else assertVerdict(task, verdict, found.code, found.reason);
}

function assertVerdict(task: string, verdict: Verdict, code: number, reason: string): void {
  console.log(`         ${task}: ${code} ${reason}`);
  const codes = [verdict.code].flat();
  assert.ok(codes.includes(code), `${task} says ${code}, not ${codes.join(' or ')}: ${reason}`);
  if (verdict.reason) assert.match(reason, verdict.reason);
}

async function untilDone(service: Service, { cluster }: Fault): Promise<void> {
  const { testbed, node, main } = service;
  if (typeof cluster === 'object') return cluster.until(service);
  if (cluster === 'leaves it alone') {
    await testbed.settle();
    await assertNoFailure(service);
    assert.is(Number(await node.read(PIDFILE)), main, 'the main process is the same');
    return;
  }
  await testbed.waitFor(
    async () => {
      const place = await testbed.runningOn(KAMAILIO);
      if (!place || (place.name === node.name) !== (cluster === 'restarts it here')) return false;
      const pid = Number(await place.read(PIDFILE));
      return pid > 0 && (place.name !== node.name || pid !== main) && (await testbed.answers());
    },
    cluster === 'moves it' ? 'another node serves' : `another Kamailio serves on ${node.name}`,
    LIMIT_MS,
  );
  await testbed.settle();
}
