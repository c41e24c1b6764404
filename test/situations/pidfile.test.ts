import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertCall, call, withInstance } from '../support/calls.ts';
import type { TestInstance } from '../support/instance.ts';
import { type Bystander, processesNaming, withSleep } from '../support/processes.ts';

/** Asserts that a pidfile which leads nowhere reads as "not running", and hinders neither start nor stop. */
async function assertHarmless(instance: TestInstance, spoil: () => void, why: RegExp): Promise<void> {
  spoil();
  assertCall(await call(instance, 'monitor'), 7, /^not running: /, why);
  assertCall(await call(instance, 'stop'), 0);
  assert.not(existsSync(instance.pidfile), 'stop removes it');
  spoil();
  assertCall(await call(instance, 'start'), 0);
  assertCall(await call(instance, 'monitor'), 0);
  // The same again under a Kamailio that lives: then it is not "not running", and all of it is stopped.
  rmSync(instance.pidfile);
  spoil();
  assertCall(await call(instance, 'monitor'), 1, /^the main process is not known \(/, why);
  assertCall(await call(instance, 'stop'), 0);
  assert.equal([...processesNaming(instance.pidfile)], []);
  assertCall(await call(instance, 'monitor'), 7, /^not running: /);
}

/** A pid that was somebody's a moment ago. */
function deadPid(): number {
  return spawnSync('/bin/true').pid;
}

test('a stale pidfile is no hindrance', () =>
  withInstance({}, (instance) =>
    assertHarmless(
      instance,
      () => writeFileSync(instance.pidfile, `${deadPid()}\n`),
      /names pid \d+, which is gone/,
    ),
  ));

test('an empty pidfile is no hindrance', () =>
  withInstance({}, (instance) =>
    assertHarmless(instance, () => writeFileSync(instance.pidfile, ''), /pidfile .* is empty/),
  ));

for (const text of ['hello', '-1', '0', '1e3', '99999999999', '12 13', '\x1b[2J']) {
  test(`a pidfile that holds ${JSON.stringify(text)} is no hindrance`, () =>
    withInstance({}, (instance) =>
      assertHarmless(
        instance,
        () => writeFileSync(instance.pidfile, text),
        /pidfile .* holds ".*", which is no process id/,
      ),
    ));
}

test('a pidfile that is a symbolic link is not followed, and what it leads to stays', () =>
  withInstance({}, async (instance) => {
    const victim = join(instance.directory, 'victim');
    writeFileSync(victim, `${process.pid}\n`);
    await assertHarmless(instance, () => symlinkSync(victim, instance.pidfile), /is a symbolic link/);
    assert.is(readFileSync(victim, 'utf8'), `${process.pid}\n`);
  }));

test('a FIFO in the place of the pidfile holds nobody up', () =>
  withInstance({}, (instance) =>
    assertHarmless(instance, () => spawnSync('mkfifo', [instance.pidfile]), /is no regular file/),
  ));

test('a directory in the place of the pidfile fails the start and not the stop', () =>
  withInstance({}, async (instance) => {
    mkdirSync(instance.pidfile);
    assertCall(await call(instance, 'monitor'), 7, /^not running: pidfile .* is no regular file/);
    assertCall(
      await call(instance, 'start'),
      4,
      /^cannot remove the pidfile .* \(EISDIR\); remove it by hand/,
    );
    assertCall(await call(instance, 'stop'), 0);
  }));

test('a live process of somebody else in the pidfile is never signalled', () =>
  withInstance({}, (instance) =>
    withSleep(async (sleep: Bystander) => {
      await assertHarmless(
        instance,
        () => writeFileSync(instance.pidfile, `${sleep.pid}\n`),
        new RegExp(`names pid ${sleep.pid}, which is another program \\(left alone\\)`),
      );
      assert.is(sleep.ended(), undefined, 'it lives on');
    }),
  ));

test('the main process of another instance in the pidfile is never signalled', () =>
  withInstance({}, (other) =>
    withInstance({}, async (instance) => {
      assertCall(await call(other, 'start'), 0);
      const pids = other.pids();
      const spoil = () => writeFileSync(instance.pidfile, `${other.mainPid()}\n`);
      await assertHarmless(instance, spoil, /which is another program \(left alone\)/);
      assert.equal(other.pids(), pids);
      assertCall(await call(other, 'monitor'), 0);
      assertCall(await call(other, 'stop'), 0);
    }),
  ));

test.run();
