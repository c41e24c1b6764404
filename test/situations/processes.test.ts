import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { listeningSockets } from '../../src/process/sockets.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { type TestInstance, until } from '../support/instance.ts';
import { isAlive, processesNaming, signalAll, stateOf, untilGone } from '../support/processes.ts';
import { withStandIn } from '../support/stand-in.ts';

function pidsOf(instance: TestInstance): number[] {
  return [...processesNaming(instance.pidfile).keys()];
}

async function killMain(instance: TestInstance): Promise<number> {
  const main = instance.mainPid();
  signalAll([main], 'SIGKILL');
  await untilGone(main);
  assert.ok(pidsOf(instance).length > 0, 'children of the main process live');
  return main;
}

async function suspend(pids: readonly number[]): Promise<void> {
  signalAll(pids, 'SIGSTOP');
  await until(() => pids.every((pid) => stateOf(pid) === 'T'), 'the processes are stopped');
}

test('a main process that was killed leaves a failed instance, and stop removes its children', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const main = await killMain(instance);
    assertCall(
      await call(instance, 'monitor'),
      1,
      new RegExp(`^the main process is not known \\(pidfile .* names pid ${main}, which is gone\\)`),
      /\d+ processes of the instance live: pid \d+(, \d+)*.*; a stop removes them all$/,
    );
    assertCall(await call(instance, 'stop'), 0);
    assert.equal(pidsOf(instance), []);
    assert.not(existsSync(instance.pidfile));
    assertCall(await call(instance, 'monitor'), 7, /^not running: /);
  }));

test('a start recovers by itself from a main process that was killed', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    await killMain(instance);
    const orphans = pidsOf(instance);
    const started = await call(instance, 'start');
    assertCall(started, 0);
    assert.match(started.stderr, /^WARNING: processes of an earlier Kamailio live without a main process/m);
    const left = orphans.filter((pid) => pidsOf(instance).includes(pid));
    assert.equal(left, []);
    assertCall(await call(instance, 'monitor'), 0);
    assertCall(await call(instance, 'stop'), 0);
    assert.equal(pidsOf(instance), []);
  }));

test('an instance that was killed as a whole is not running, and starts again', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const pids = pidsOf(instance);
    signalAll(pids, 'SIGKILL');
    for (const pid of pids) await untilGone(pid);
    assertCall(await call(instance, 'monitor'), 7, /^not running: pidfile .* names pid \d+, which is gone/);
    assertCall(await call(instance, 'start'), 0);
    assertCall(await call(instance, 'monitor'), 0);
    assertCall(await call(instance, 'stop'), 0);
  }));

test('an instance whose processes are all stopped has failed, and a stop succeeds', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    await suspend(pidsOf(instance));
    const limitMs = 10_000;
    assertCall(
      await call(instance, 'monitor', { CRM_meta_timeout: String(limitMs) }, { limitMs }),
      1,
      /^main process \d+ is stopped \(state T: SIGSTOP or job control\) and supervises nobody/,
    );
    assertCall(await call(instance, 'stop'), 0);
    assert.equal(pidsOf(instance), []);
    assert.not(existsSync(instance.pidfile));
  }));

// Kamailio loses a SIGTERM that reaches its main process together with the SIGCHLD of children that are let
// go on; one that is sent again is heeded.
test('an instance whose processes were all stopped terminates by itself, without SIGKILL', () =>
  withInstance({}, async (instance) => {
    for (let round = 0; round < 5; round += 1) {
      assertCall(await call(instance, 'start'), 0);
      await suspend(pidsOf(instance));
      const stopped = await call(instance, 'stop');
      assertCall(stopped, 0);
      assert.not.match(stopped.stderr, /killed/);
    }
  }));

test('an instance whose workers are stopped fails its polls before the executor loses patience', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const main = instance.mainPid();
    await suspend(pidsOf(instance).filter((pid) => pid !== main));
    const limitMs = 3000;
    const monitored = await call(instance, 'monitor', { CRM_meta_timeout: String(limitMs) }, { limitMs });
    assertCall(
      monitored,
      1,
      /^Kamailio runs \(pid \d+\) but is not healthy: /,
      /udp:127\.0\.0\.1:\d+: no answer to OPTIONS within [\d.]+ s; /,
      /tcp:127\.0\.0\.1:\d+: no answer to OPTIONS within [\d.]+ s; /,
      /control plane: no reply to core\.uptime over /,
    );
    assertCall(await call(instance, 'stop'), 0);
    assert.equal(pidsOf(instance), []);
  }));

test('a Kamailio that dies while it is asked is not running', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const main = instance.mainPid();
    await suspend(pidsOf(instance).filter((pid) => pid !== main));
    const monitored = call(instance, 'monitor');
    const isAsked = () =>
      listeningSockets().some(({ port, receiveQueue }) => port === instance.port && receiveQueue > 0);
    await until(isAsked, 'the poll lies in the queue of its socket');
    signalAll(pidsOf(instance), 'SIGKILL');
    assertCall(await monitored, 7, /^not running: pidfile \S+ names pid \d+, which is gone/);
  }));

test('a start next to a Kamailio that hangs says that it launched nothing, and leaves it alone', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const before = pidsOf(instance);
    await suspend(before);
    const limitMs = 4000;
    assertCall(
      await call(instance, 'start', { CRM_meta_timeout: String(limitMs) }, { limitMs }),
      1,
      new RegExp(`^Kamailio \\(pid ${instance.mainPid()}\\) ran before this start and does not serve: `),
      /no answer to OPTIONS.* \|\| this start has launched nothing and left it alone; stop the resource, /,
    );
    assert.equal(pidsOf(instance), before);
    assert.ok(existsSync(instance.pidfile), 'its pidfile is there still');
    assertCall(await call(instance, 'stop'), 0);
    assertCall(await call(instance, 'start'), 0);
  }));

/** A short operation: a third of its grace is less than 3 s. */
const SHORT = { CRM_meta_timeout: '12000' };

test('a Kamailio that ignores SIGTERM and does nothing is killed, and has been reminded once', () =>
  withInstance({}, (instance) => {
    const file = join(instance.directory, 'terms');
    const counts = `process.on('SIGTERM', () => require('node:fs').appendFileSync(${JSON.stringify(file)}, 'x'));`;
    return withStandIn(instance, counts, async (standIn) => {
      const stopped = await call(instance, 'stop', SHORT);
      assertCall(stopped, 0);
      assert.match(stopped.stderr, /^WARNING: .* was killed: nothing moved in it for 3 s after SIGTERM$/m);
      assert.not(isAlive(standIn.pid));
      assert.not(existsSync(instance.pidfile));
      assert.is(readFileSync(file, 'utf8'), 'xx');
    });
  }));

test('a stopped Kamailio that ignores SIGTERM as well is killed', () =>
  withInstance({}, (instance) =>
    withStandIn(instance, `process.on('SIGTERM', () => {});`, async (standIn) => {
      await suspend([standIn.pid]);
      assertCall(await call(instance, 'stop'), 0);
      assert.not(isAlive(standIn.pid));
    }),
  ));

/** Works for `seconds` after SIGTERM, then writes `finished` into `file` and goes. */
function busy(seconds: number, file: string): string {
  return `process.on('SIGTERM', () => {
    for (const end = Date.now() + ${seconds * 1000}; Date.now() < end; );
    require('node:fs').writeFileSync(${JSON.stringify(file)}, 'finished');
    process.exit(0);
  });`;
}

test('a Kamailio that is busy terminating is not cut off', () =>
  withInstance({}, (instance) => {
    const file = join(instance.directory, 'work');
    return withStandIn(instance, busy(5, file), async () => {
      const stopped = await call(instance, 'stop');
      assertCall(stopped, 0);
      assert.is(readFileSync(file, 'utf8'), 'finished');
      assert.not.match(stopped.stderr, /killed/);
    });
  }));

test('a Kamailio that waits for the answers of a slow database is not cut off', () =>
  withInstance({}, (instance) => {
    const file = join(instance.directory, 'work');
    const writes = `process.on('SIGTERM', () => {
      let answers = 0;
      setInterval(() => {
        if (++answers < 32) return;
        require('node:fs').writeFileSync(${JSON.stringify(file)}, 'finished');
        process.exit(0);
      }, 250);
    });`;
    return withStandIn(instance, writes, async () => {
      const stopped = await call(instance, 'stop');
      assertCall(stopped, 0);
      assert.is(readFileSync(file, 'utf8'), 'finished');
      assert.not.match(stopped.stderr, /killed/);
    });
  }));

test('a Kamailio that is still busy when stop_grace is over is killed', () =>
  withInstance({}, (instance) => {
    const file = join(instance.directory, 'work');
    return withStandIn(instance, busy(60, file), async (standIn) => {
      const stopped = await call(instance, 'stop', { stop_grace: '1' });
      assertCall(stopped, 0);
      assert.match(
        stopped.stderr,
        /was killed: it was still terminating when its grace \(stop_grace\) was over/,
      );
      assert.not(isAlive(standIn.pid));
      assert.not(existsSync(file));
    });
  }));

test('a Kamailio that stays busy is killed before the operation times out', () =>
  withInstance({}, (instance) =>
    withStandIn(instance, busy(60, '/dev/null'), async (standIn) => {
      const limitMs = 6000;
      const stopped = await call(instance, 'stop', { CRM_meta_timeout: String(limitMs) }, { limitMs });
      assertCall(stopped, 0);
      assert.not(isAlive(standIn.pid));
    }),
  ));

test.run();
