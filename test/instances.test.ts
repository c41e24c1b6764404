import { renameSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertCall, call } from './support/calls.ts';
import { makeInstance, type TestInstance } from './support/instance.ts';
import { processesNaming } from './support/processes.ts';

/** Three instances as in the metadata's example: udptcp, udp and tcp, each with a FIFO of its own. */
async function withThree(body: (three: readonly TestInstance[]) => Promise<void>): Promise<void> {
  const three: TestInstance[] = [];
  try {
    for (const proto of ['udptcp', 'udp', 'tcp']) {
      const resource = `ocfk_one_of_three_${proto}_${process.pid}`;
      three.push(await makeInstance({ resource, params: { proto } }));
    }
    await body(three);
  } finally {
    for (const instance of three) await instance.dispose();
  }
}

async function startAll(three: readonly TestInstance[]): Promise<void> {
  for (const instance of three) assertCall(await call(instance, 'start'), 0);
}

/** Asserts that these instances run, healthy, with the same processes as before. */
async function assertUntouched(before: ReadonlyMap<TestInstance, readonly number[]>): Promise<void> {
  for (const [instance, pids] of before) {
    assertCall(await call(instance, 'monitor'), 0);
    assert.equal(pidsOf(instance), pids);
  }
}

function pidsOf(instance: TestInstance): number[] {
  return [...processesNaming(instance.pidfile).keys()].sort((a, b) => a - b);
}

test('three instances on one machine start, are healthy and stop without touching each other', () =>
  withThree(async (three) => {
    await startAll(three);
    const running = new Map(three.map((instance) => [instance, pidsOf(instance)]));
    await assertUntouched(running);
    for (const instance of three) {
      assertCall(await call(instance, 'stop'), 0);
      assert.equal(pidsOf(instance), []);
      assertCall(await call(instance, 'monitor'), 7, /^not running: /);
      running.delete(instance);
      await assertUntouched(running);
    }
  }));

test('all three may start and stop at the same moment', () =>
  withThree(async (three) => {
    for (const started of await Promise.all(three.map((instance) => call(instance, 'start'))))
      assertCall(started, 0);
    for (const healthy of await Promise.all(three.map((instance) => call(instance, 'monitor'))))
      assertCall(healthy, 0);
    for (const stopped of await Promise.all(three.map((instance) => call(instance, 'stop'))))
      assertCall(stopped, 0);
    assert.equal(three.flatMap(pidsOf), []);
  }));

test('a broken FIFO fails the monitor of its own instance alone', () =>
  withThree(async (three) => {
    await startAll(three);
    for (const broken of three) {
      renameSync(broken.fifo, `${broken.fifo}.away`);
      for (const instance of three) {
        const monitored = await call(instance, 'monitor');
        if (instance === broken) assertCall(monitored, 1, /control plane: the FIFO .* does not exist/);
        else assertCall(monitored, 0);
      }
      renameSync(`${broken.fifo}.away`, broken.fifo);
    }
    for (const instance of three) assertCall(await call(instance, 'stop'), 0);
  }));

test('a control plane asked through the FIFO of another instance does not answer for this one', () =>
  withThree(async (three) => {
    const [one, two] = three;
    if (!one || !two) throw new Error('there are not three');
    assertCall(await call(two, 'start'), 0);
    // The FIFO of the second serves, but nothing of the first runs.
    assertCall(await call(one, 'monitor', { kamctlrc: two.kamctlrc }), 7, /^not running: /);
    assertCall(await call(two, 'stop'), 0);
  }));

test.run();
