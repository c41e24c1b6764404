import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { stoppedMain } from '../../src/checks/supervision.ts';
import { Deadline } from '../../src/lifetime/deadline.ts';
import { readStat } from '../../src/process/procfs.ts';
import { findStuck } from '../../src/process/workers.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { within } from '../support/deadline.ts';
import { type TestInstance, until } from '../support/instance.ts';
import { signalAll, stateOf, withProgram, withSleep } from '../support/processes.ts';

/** Numbers of the system call ptrace(2). */
const PTRACE = { x64: 101, arm64: 117 }[process.arch as string];

/** Attaches to a process as a debugger does, which stops it (state t), and lets it go when `body` is through. */
async function withTraced(pid: number, body: () => Promise<void>): Promise<void> {
  // PTRACE_SEIZE, PTRACE_INTERRUPT: when such a tracer ends, the process goes on.
  const script = `for (0x4206, 0x4207) { syscall(${PTRACE}, $_, ${pid}, 0, 0) == 0 or exit 3 } sleep 1000`;
  await withProgram('perl', ['-e', script], {}, async () => {
    await until(() => stateOf(pid) === 't', 'it is traced');
    await body();
  });
  await until(() => stateOf(pid) !== 't', 'it goes on');
}

async function withStopped(pid: number, body: () => Promise<void>): Promise<void> {
  signalAll([pid], 'SIGSTOP');
  await until(() => stateOf(pid) === 'T', 'it is stopped');
  try {
    await body();
  } finally {
    signalAll([pid], 'SIGCONT');
  }
}

/** Generous: nothing waits for its end. */
const SOON_MS = 20_000;

const monitorAt = (instance: TestInstance, level: string) =>
  call(instance, 'monitor', {}, { env: { OCF_CHECK_LEVEL: level } });

const traceable = PTRACE === undefined ? test.skip : test;

traceable('a main process in a debugger is no failure at any level, for its workers answer', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const main = instance.mainPid();
    await withTraced(main, async () => {
      for (const level of ['0', '10', '20']) assertCall(await monitorAt(instance, level), 0);
      assertCall(await call(instance, 'diagnose'), 0);
      assert.is(stateOf(main), 't', 'it was traced all the while');
    });
    assertCall(await call(instance, 'monitor'), 0);
    assert.is(instance.mainPid(), main);
  }),
);

traceable('a worker in a debugger predicts nothing', () =>
  withInstance({ config: 'children=8' }, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    // The first child receives over UDP, and seven others do, too.
    const [worker = 0] = instance.pids().filter((pid) => readStat(pid)?.parent === instance.mainPid());
    await withTraced(worker, async () => {
      const probes = { probes: `tcp:127.0.0.1:${instance.port}` };
      assertCall(await call(instance, 'monitor', probes, { env: { OCF_CHECK_LEVEL: '20' } }), 0);
      assert.is(stateOf(worker), 't');
    });
  }),
);

test('a main process that stays stopped has failed at each level, and the reason says what its workers do', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const main = instance.mainPid();
    await withStopped(main, async () => {
      const reason = new RegExp(
        `^main process ${main} is stopped \\(state T: SIGSTOP or job control\\) and supervises nobody, though its workers may still answer; \`kill -CONT ${main}\``,
      );
      for (const level of ['0', '10', '20']) assertCall(await monitorAt(instance, level), 1, reason);
      const diagnosed = await call(instance, 'diagnose');
      assert.is(diagnosed.code, 1);
      assert.match(diagnosed.stdout, /is stopped .* supervises nobody/);
      assert.match(diagnosed.stdout, / 200 OK /, 'its workers answer');
    });
    assertCall(await call(instance, 'monitor'), 0);
  }));

test('a process that is stopped for a moment and goes on is no problem', () =>
  withSleep(async ({ pid }) => {
    await withStopped(pid, async () => {
      const seen = readStat(pid);
      assert.ok(seen?.state === 'T');
      const checked = Promise.all([stoppedMain(seen, within(SOON_MS)), findStuck([seen], within(SOON_MS))]);
      signalAll([pid], 'SIGCONT');
      assert.equal(await checked, [[], []]);
    });
  }));

test('a process that is stopped is looked at again until the deadline, not beyond', () =>
  withSleep(async ({ pid }) => {
    await withStopped(pid, async () => {
      const seen = readStat(pid);
      assert.ok(seen);
      assert.is((await stoppedMain(seen, Deadline.sinceStart(0))).length, 1);
      assert.is((await stoppedMain(seen, within(SOON_MS))).length, 1);
    });
  }));

test.run();
