import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { lockAddress } from '../../src/process/lock.ts';
import { readStat } from '../../src/process/procfs.ts';
import { RUN_DIRECTORY, runFile } from '../../src/process/run-directory.ts';
import { readState } from '../../src/watch/state.ts';
import { AGENT } from '../support/agent.ts';
import { assertCall, call } from '../support/calls.ts';
import { until } from '../support/instance.ts';
import { withLockHolder } from '../support/lock-holder.ts';
import { agentWithMounts, canMount } from '../support/mounts.ts';
import { account } from '../support/ordinary-user.ts';
import { isAlive, signalAll, withSleep } from '../support/processes.ts';
import { type WatchedInstance, withWatched } from './support.ts';

/** Starts Kamailio with its watcher, and returns the watcher's pid. */
async function startWatched(watched: WatchedInstance): Promise<number> {
  assertCall(await watched.act('start'), 0);
  return watched.untilWatched();
}

/** Waits until another watcher than `earlier` is the only one. */
async function untilReplaced(watched: WatchedInstance, earlier: number): Promise<void> {
  assert.is.not(await watched.untilWatched(), earlier);
  assert.not(isAlive(earlier), 'the earlier one has ended');
  await until(() => watched.watchers().length === 1, 'there is one watcher');
}

test('a monitor leaves the watcher alone and prints nothing', () =>
  withWatched(async (watched) => {
    const pid = await startWatched(watched);
    for (const level of ['0', '10', '20']) {
      const monitored = await watched.act('monitor', {}, { env: { OCF_CHECK_LEVEL: level } });
      assertCall(monitored, 0);
      assert.is(monitored.stdout + monitored.stderr, '');
    }
    assert.equal(watched.watchers(), [pid]);
  }));

test('a monitor starts a watcher that was killed, and the log says so', () =>
  withWatched(async (watched) => {
    const pid = await startWatched(watched);
    process.kill(pid, 'SIGKILL');
    const monitored = await watched.act('monitor');
    assertCall(monitored, 0);
    assert.match(
      monitored.stderr,
      /a watcher of Kamailio \(pid \d+\) is started \(pid \d+\): there was none/,
    );
    await untilReplaced(watched, pid);
    signalAll(watched.instance.pids(), 'SIGKILL');
    await until(() => watched.reports().length === 1, 'the new one reports a crash');
  }));

test('monitors at a time start one watcher between them', () =>
  withWatched(async (watched) => {
    process.kill(await startWatched(watched), 'SIGKILL');
    const monitored = await Promise.all([1, 2, 3].map(() => watched.act('monitor')));
    for (const one of monitored) assertCall(one, 0);
    const named = () => String(readState(watched.instance.pidfile)?.watcher.pid);
    await watched.untilWatched();
    await until(() => watched.watchers().join() === named(), 'one is left, which the state names');
  }));

test('a live upgrade of the agent replaces its watcher', () =>
  withWatched(async (watched) => {
    const pid = await startWatched(watched);
    const newer = join(watched.instance.directory, 'newer');
    mkdirSync(newer);
    const source = readFileSync(AGENT, 'utf8');
    const changed = source.replace(/(COMMIT = )[^;]*;/, '$1"of-the-next-version";');
    assert.is.not(changed, source);
    writeFileSync(join(newer, 'kamailio'), changed, { mode: 0o755 });
    copyFileSync(join(dirname(AGENT), 'package.json'), join(newer, 'package.json'));
    const agent = join(newer, 'kamailio');
    const monitored = await watched.act('monitor', {}, { agent });
    assertCall(monitored, 0);
    assert.match(monitored.stderr, new RegExp(`another version \\(pid ${pid}\\) is ended`));
    await untilReplaced(watched, pid);
    assertCall(await watched.act('monitor', {}, { agent }), 0);
    assert.equal(watched.reports(), []);
  }));

test('a watcher of an earlier Kamailio is replaced by a monitor', () =>
  withWatched(async (watched) => {
    const pid = await startWatched(watched);
    // It sees nothing of all this.
    process.kill(pid, 'SIGSTOP');
    signalAll(watched.instance.pids(), 'SIGKILL');
    assertCall(await call(watched.instance, 'start'), 0);
    const monitored = await watched.act('monitor');
    assertCall(monitored, 0);
    assert.match(monitored.stderr, new RegExp(`that of an earlier Kamailio \\(pid ${pid}\\) is ended`));
    await untilReplaced(watched, pid);
    assert.equal(watched.reports(), []);
  }));

test('a monitor beside a stop starts no watcher', () =>
  withWatched(async (watched) => {
    process.kill(await startWatched(watched), 'SIGKILL');
    await withLockHolder(lockAddress(watched.instance.pidfile), [], async () => {
      assertCall(await watched.act('monitor'), 0);
      assert.equal(watched.watchers(), []);
    });
  }));

test('reload-agent turns the watcher on, re-tunes it and turns it off, and Kamailio keeps its pid', () =>
  withWatched(async (watched) => {
    assertCall(await watched.act('start', { watch: 'off' }), 0);
    const main = watched.instance.mainPid();
    assert.equal(watched.watchers(), []);
    assertCall(await watched.act('reload-agent'), 0);
    const first = await watched.untilWatched();
    assertCall(await watched.act('reload-agent'), 0);
    assert.equal(watched.watchers(), [first], 'nothing has changed');
    assertCall(await watched.act('reload-agent', { watch: 'off' }), 0);
    assert.equal(watched.watchers(), []);
    assertCall(await watched.act('monitor', { watch: 'off' }), 0);
    assert.equal(watched.watchers(), []);
    assert.is(watched.instance.mainPid(), main);
    assert.equal(watched.reports(), []);
  }));

test('diagnose shows the watcher, and warns of a missing one', () =>
  withWatched(async (watched) => {
    const pid = await startWatched(watched);
    const lines = (await watched.act('diagnose')).stdout;
    assert.match(lines, new RegExp(`ok +watcher +pid ${pid}, for \\d+ s, last look \\d+\\.\\d s ago`));
    process.kill(pid, 'SIGKILL');
    assert.match(
      (await watched.act('diagnose')).stdout,
      /WARNING +watcher +watch=process, but no watcher runs/,
    );
    assert.not.match((await watched.act('diagnose', { watch: 'off' })).stdout, /watcher/);
    assert.equal(watched.watchers(), [], 'it starts none');
  }));

test('validate-all warns of a watcher outside a cluster, and accepts it', () =>
  withWatched(async (watched) => {
    const env = { OCF_RESKEY_CRM_meta_on_node: '' };
    watched.setTool('crm_node', 'exit 102');
    const outside = await watched.act('validate-all', {}, { env });
    assertCall(outside, 0);
    assert.match(outside.stderr, /WARNING: watch is on, but no cluster answers on this node/);
    watched.setTool('crm_node', 'echo node1');
    const inside = await watched.act('validate-all', {}, { env });
    assertCall(inside, 0);
    assert.not.match(inside.stderr, /cluster/);
    assertCall(
      await watched.act('validate-all', { watch: 'always' }),
      6,
      /^watch=always: is not one of off, process/,
    );
  }));

/**
 * The agent on a node where a local user came before root: each call has a /run of its own, with what `forge` makes in it.
 * The real one stays in place, for the watchers of other suites end when their files are gone.
 */
function agentAfter(forge: string, { instance }: WatchedInstance): string {
  return agentWithMounts(instance.directory, `mount -t tmpfs tmpfs /run && ${forge}`);
}

const nobody = account('nobody');

for (const [what, said, forge] of [
  [
    'belongs to another account',
    '/run/ocf-kamailio belongs to another account',
    `install -d -o ${nobody.uid} -g ${nobody.gid} ${RUN_DIRECTORY}`,
  ],
  ['is writable by others', 'others may write to /run/ocf-kamailio', `install -d -m 777 ${RUN_DIRECTORY}`],
  ['is a symbolic link', '/run/ocf-kamailio is a symbolic link', `ln -s /tmp ${RUN_DIRECTORY}`],
] as const) {
  (canMount ? test : test.skip)(
    `a directory of watchers that ${what} is not used, and fails neither start, monitor nor stop`,
    () =>
      withWatched(async (watched) => {
        const agent = agentAfter(forge, watched);
        for (const action of ['start', 'monitor']) {
          const called = await watched.act(action, {}, { agent });
          assertCall(called, 0);
          assert.match(called.stderr, `goes on without a watcher: ${said}`);
        }
        assertCall(await watched.act('stop', {}, { agent }), 0);
        await until(() => watched.watchers().length === 0, 'no watcher is left');
      }),
  );
}

/** The state as it would have to be for the agent to take `pid` for the watcher. */
function stateNaming(pid: number, pidfile: string): string {
  const state = readState(pidfile);
  return [
    pid,
    readStat(pid)?.startTime,
    state?.main.pid,
    state?.main.startTime,
    pidfile,
    state?.terms,
    '',
  ].join('\n');
}

for (const [what, forge] of [
  ['belongs to another account', (path: string) => chownSync(path, nobody.uid, nobody.gid)],
  ['is writable by others', (path: string) => chmodSync(path, 0o666)],
  [
    'is a symbolic link',
    (path: string) => {
      renameSync(path, `${path}.real`);
      symlinkSync(`${path}.real`, path);
    },
  ],
] as const) {
  test(`a state that ${what} is not trusted: the process it names is left alone`, () =>
    withWatched((watched) =>
      withSleep(async (sleep) => {
        const { pidfile } = watched.instance;
        process.kill(await startWatched(watched), 'SIGKILL');
        const path = runFile(pidfile, 'watcher');
        writeFileSync(path, stateNaming(sleep.pid, pidfile), { mode: 0o600 });
        forge(path);
        assert.is(readState(pidfile), undefined);
        assertCall(await watched.act('monitor'), 0);
        assert.is.not(await watched.untilWatched(), sleep.pid);
        assertCall(await watched.act('stop'), 0);
        assert.ok(isAlive(sleep.pid));
        rmSync(`${path}.real`, { force: true });
      }),
    ));
}

test('a process that is not a watcher is never signalled, whatever the state says', () =>
  withWatched((watched) =>
    withSleep(async (sleep) => {
      const { pidfile } = watched.instance;
      process.kill(await startWatched(watched), 'SIGKILL');
      writeFileSync(runFile(pidfile, 'watcher'), stateNaming(sleep.pid, pidfile), { mode: 0o600 });
      assertCall(await watched.act('stop'), 0);
      assert.ok(isAlive(sleep.pid));
    }),
  ));

test.run();
