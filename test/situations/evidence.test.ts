import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { type TestInstance, until } from '../support/instance.ts';
import { signalAll, stateOf } from '../support/processes.ts';

const corePattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
/** A core goes to Kamailio's working directory; elsewhere (a pipe, a directory of the system) it is not looked for. */
const isLocal = /^[^|/]+$/.test(corePattern);

function coresIn(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.startsWith(corePattern.replace(/%.*/s, '')));
}

test('a monitor that finds a hang tells the log where the processes stand', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const healthy = await call(instance, 'monitor');
    assertCall(healthy, 0);
    assert.is(healthy.stderr, '');
    const workers = instance.pids().filter((pid) => pid !== instance.mainPid());
    signalAll(workers, 'SIGSTOP');
    await until(() => workers.every((pid) => stateOf(pid) === 'T'), 'the workers are stopped');
    const hung = await call(instance, 'monitor', { probe_timeout: '1' });
    assertCall(hung, 1, /no answer to OPTIONS/);
    const [first = '', ...others] = hung.stderr.match(/where it stands: .*/g) ?? [];
    assert.match(
      first,
      /^where it stands: pid \d+(?:, \d+)+.*: state T in do_signal_stop \(do_signal_stop < /,
    );
    assert.ok(others.length <= 9, 'few lines');
    assert.match(hung.stderr, new RegExp(`where it stands: pid ${instance.mainPid()}: state S in `));
    signalAll(workers, 'SIGCONT');
  }));

test('a monitor that is answered with a refusal says nothing of where the processes stand', () =>
  withInstance({ params: { probe_user: '' } }, async (instance) => {
    assertCall(await call(instance, 'start', { probe_user: 'monitor' }), 0);
    const refused = await call(instance, 'monitor');
    assertCall(refused, 1, /404 Not here/);
    assert.not.match(refused.stderr, /where it stands/);
  }));

/** Parameters of a Kamailio that does not heed SIGTERM, and works in the test's directory. */
function deaf({ directory }: TestInstance): Record<string, string> {
  const binary = join(directory, 'kamailio-deaf');
  writeFileSync(binary, '#!/bin/sh\nexec env --block-signal=TERM /usr/sbin/kamailio "$@"\n', { mode: 0o755 });
  return { binary, extra_options: `-w ${directory} -m 16`, CRM_meta_timeout: '30000' };
}

test('a stop that kills tells the log before where the processes stood, and leaves no cores by default', () =>
  withInstance({}, async (instance) => {
    const params = deaf(instance);
    assertCall(await call(instance, 'start', params), 0);
    const stopped = await call(instance, 'stop', { ...params, CRM_meta_timeout: '12000' });
    assertCall(stopped, 0);
    assert.match(stopped.stderr, /where it stands: pid \d+.*: state S in \S+ \(\w+ < [\s\S]* was killed: /);
    assert.not.match(stopped.stderr, /SIGABRT/);
    assert.equal(coresIn(instance.directory), []);
    assert.equal(instance.pids(), []);
  }));

test('with core_on_kill a stop has what it kills leave its cores first', () =>
  withInstance({}, async (instance) => {
    const params = { ...deaf(instance), core_on_kill: 'on' };
    assertCall(await call(instance, 'start', params), 0);
    const stopped = await call(instance, 'stop', params);
    assertCall(stopped, 0);
    assert.match(stopped.stderr, /SIGABRT to \d+ processes, for their cores \(core_pattern is /);
    assert.match(stopped.stderr, /was killed: /);
    assert.equal(instance.pids(), []);
    if (isLocal) assert.ok(coresIn(instance.directory).length > 0, 'there is a core');
  }));

test('a word that core_on_kill does not know is refused by a start, shown by a monitor, and stops no stop', () =>
  withInstance({}, async (instance) => {
    const params = { core_on_kill: 'perhaps' };
    assertCall(await call(instance, 'start', params), 6, /core_on_kill=perhaps: is not one of off, on/);
    assertCall(await call(instance, 'start'), 0);
    assertCall(await call(instance, 'monitor', params), 190, /core_on_kill=perhaps/);
    assertCall(await call(instance, 'stop', params), 0);
    assert.equal(instance.pids(), []);
  }));

test.run();
