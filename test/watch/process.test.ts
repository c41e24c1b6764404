import { spawn, spawnSync } from 'node:child_process';
import { existsSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { lockAddress } from '../../src/process/lock.ts';
import { runFile } from '../../src/process/run-directory.ts';
import { readState } from '../../src/watch/state.ts';
import { AGENT } from '../support/agent.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { until } from '../support/instance.ts';
import { withLockHolder } from '../support/lock-holder.ts';
import { commandLine, signalAll, untilGone } from '../support/processes.ts';
import { NODE, RESOURCE, withWatched } from './support.ts';

const REPORT = `--fail --resource ${RESOURCE} --node ${NODE}`;

/** What the log says of a crash of all; on a busy machine the workers may be gone a moment before the main process. */
function lossOf(main: number): RegExp {
  const place = `\\(resource ${RESOURCE} on ${NODE}\\)`;
  return new RegExp(
    `main process ${main} (is gone|died, which lives on); reporting it to the cluster ${place}`,
  );
}

test('a start leaves one watcher, a second start leaves it alone, and a stop ends it unreported', () =>
  withWatched(async (watched) => {
    assertCall(await watched.act('start'), 0);
    const pid = await watched.untilWatched();
    assert.equal(watched.watchers(), [pid]);
    assertCall(await watched.act('start'), 0);
    assert.equal(watched.watchers(), [pid]);
    assertCall(await watched.act('stop'), 0);
    assert.equal(watched.watchers(), []);
    assert.not(existsSync(runFile(watched.instance.pidfile, 'watcher')));
    assert.equal(watched.reports(), []);
  }));

test('a watcher has a session of its own, works in /, and bears a name that finds no Kamailio', () =>
  withWatched(async (watched) => {
    assertCall(await watched.act('start'), 0);
    const pid = await watched.untilWatched();
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /, '').split(' ');
    assert.is(Number(fields[3]), pid, 'the session');
    assert.is(readlinkSync(`/proc/${pid}/cwd`), '/');
    assert.is(commandLine(pid).join(' ').trim(), `ocf-watcher: ${RESOURCE}`);
    assert.is(readFileSync(`/proc/${pid}/comm`, 'utf8'), 'ocf-watcher: oc\n');
    assert.not(watched.instance.pids().includes(pid));
  }));

/** Bits of capabilities(7). */
const [CAP_DAC_OVERRIDE, CAP_SYS_PTRACE] = [1n << 1n, 1n << 19n];

test('a watcher keeps the two privileges that it needs, and neither it nor what it starts can have others again', () =>
  withWatched(async (watched) => {
    assertCall(await watched.act('start'), 0);
    const pid = await watched.untilWatched();
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const mask = (name: string) => BigInt(`0x${new RegExp(`^${name}:\\s+(\\S+)$`, 'm').exec(status)?.[1]}`);
    for (const name of ['CapEff', 'CapPrm', 'CapBnd'])
      assert.is(mask(name), CAP_DAC_OVERRIDE | CAP_SYS_PTRACE, name);
    assert.is(mask('CapInh'), 0n);
    assert.match(status, /^NoNewPrivs:\s+1$/m);
  }));

test('a watcher keeps no descriptor of the executor', () =>
  withWatched(async ({ instance, act, untilWatched }) => {
    assertCall(await call(instance, 'start'), 0);
    // More than one: Node.js closes the lower ones by itself.
    const leaks = Array.from({ length: 30 }, () => openSync(instance.conffile, 'r'));
    const params = Object.entries({ ...instance.params, watch: 'process' });
    const child = spawn(AGENT, ['monitor'], {
      env: {
        PATH: process.env.PATH ?? '',
        ...instance.env,
        ...Object.fromEntries(params.map(([name, value]) => [`OCF_RESKEY_${name}`, value])),
      },
      stdio: ['ignore', 'ignore', 'ignore', ...leaks],
    });
    assert.is(await new Promise((resolve) => child.on('exit', resolve)), 0);
    const pid = await untilWatched();
    const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    assert.not(open.includes(instance.conffile));
    assertCall(await act('stop'), 0);
  }));

test('a watcher needs 20 MB of its own at most', () =>
  withWatched(async (watched) => {
    assertCall(await watched.act('start'), 0);
    const pid = await watched.untilWatched();
    const kib = Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    assert.ok(kib > 0 && kib <= 20_480, `${kib} KiB`);
  }));

test('with watch=off, which is the default, a start leaves neither a watcher nor a file', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    assert.is(readState(instance.pidfile), undefined);
    assert.not(existsSync(runFile(instance.pidfile, 'watcher')));
  }));

test('a crash of all processes is reported once, and the watcher ends', () =>
  withWatched(async (watched) => {
    assertCall(await watched.act('start'), 0);
    const pid = await watched.untilWatched();
    const main = watched.instance.mainPid();
    signalAll(watched.instance.pids(), 'SIGKILL');
    await until(() => watched.watchers().length === 0, 'the watcher has ended');
    await untilGone(pid);
    assert.equal(watched.reports(), [REPORT]);
    assert.match(watched.log(), lossOf(main));
    assertCall(await watched.act('stop'), 0);
    assert.not(existsSync(runFile(watched.instance.pidfile, 'watcher')), 'the recovery leaves nothing of it');
  }));

test('a monitor that is at work beside a report starts no watcher that would report the same again', () =>
  withWatched(async (watched) => {
    const sip = { watch: 'sip', watch_timeout: '2' };
    const level0 = { env: { OCF_CHECK_LEVEL: '0' } };
    assertCall(await watched.act('start', sip), 0);
    await watched.untilWatched();
    const main = watched.instance.mainPid();
    signalAll(
      watched.instance.pids().filter((pid) => pid !== main),
      'SIGSTOP',
    );
    await until(() => watched.reports().length > 0, 'the hang is reported');
    await until(() => watched.watchers().length === 0, 'the watcher has ended');
    assertCall(await watched.act('monitor', sip, level0), 0);
    assert.equal(watched.watchers(), []);
    assert.match((await watched.act('diagnose', sip)).stdout, /WARNING +watcher +it has told the cluster /);
    assertCall(await watched.act('stop', sip), 0);
    assertCall(await watched.act('start', sip), 0);
    await watched.untilWatched();
    assert.equal(watched.reports(), [REPORT]);
  }));

test('a crash of the main process alone is reported', () =>
  withWatched(async (watched) => {
    assertCall(await watched.act('start'), 0);
    await watched.untilWatched();
    process.kill(watched.instance.mainPid(), 'SIGKILL');
    await until(() => watched.reports().length > 0, 'it is reported');
    assert.equal(watched.reports(), [REPORT]);
  }));

test('workers that died are reported while the main process hangs and does not notice', () =>
  withWatched(async (watched) => {
    assertCall(await watched.act('start'), 0);
    await watched.untilWatched();
    const main = watched.instance.mainPid();
    process.kill(main, 'SIGSTOP');
    signalAll(
      watched.instance.pids().filter((pid) => pid !== main),
      'SIGKILL',
    );
    await until(() => watched.reports().length > 0, 'it is reported');
    await until(
      () => watched.log().includes(`workers of main process ${main} died, which lives on; reporting`),
      'the log says so',
    );
  }));

test('a crash while a stop is at work is left to the stop', () =>
  withWatched(async (watched) => {
    assertCall(await watched.act('start'), 0);
    await watched.untilWatched();
    await withLockHolder(lockAddress(watched.instance.pidfile), [], async () => {
      signalAll(watched.instance.pids(), 'SIGKILL');
      await until(() => /a start or stop of this instance is at work/.test(watched.log()), 'it waits');
      assert.equal(watched.reports(), []);
    });
    await until(() => watched.reports().length > 0, 'it is reported once nobody is at work');
  }));

for (const [attributes, why] of [
  [{ managed: 'false' }, /not managed \(maintenance mode\)/],
  [{ target_role: 'Stopped' }, /its target role is Stopped/],
  [{ role: 'Stopping' }, /the cluster is stopping it/],
  [{ failed: 'true' }, /the cluster knows of a failure already/],
] as const) {
  test(`a crash is not reported while crm_mon shows ${JSON.stringify(attributes)}, and is afterwards`, () =>
    withWatched(async (watched) => {
      assertCall(await watched.act('start'), 0);
      await watched.untilWatched();
      watched.setAttributes(attributes);
      signalAll(watched.instance.pids(), 'SIGKILL');
      await until(() => why.test(watched.log()), 'the log says why');
      assert.equal(watched.reports(), []);
      watched.setAttributes({});
      await until(() => watched.reports().length > 0, 'it is reported');
      assert.is(watched.log().match(/not reported yet/g)?.length, 1, 'said once');
    }));
}

test('a Kamailio that is started by hand in maintenance mode is watched from then on', () =>
  withWatched(async (watched) => {
    assertCall(await watched.act('start'), 0);
    const pid = await watched.untilWatched();
    watched.setAttributes({ managed: 'false' });
    signalAll(watched.instance.pids(), 'SIGKILL');
    await until(() => /not managed/.test(watched.log()), 'the crash was seen');
    // By hand: without the watcher, and without the agent's lock for long.
    assertCall(await call(watched.instance, 'start'), 0);
    const main = watched.instance.mainPid();
    await until(
      () => watched.log().includes(`watches the Kamailio that runs now (pid ${main}`),
      'it is adopted',
    );
    assert.equal(watched.watchers(), [pid]);
    assertCall(await watched.act('monitor'), 0);
    assert.equal(watched.watchers(), [pid], 'a monitor leaves it alone');
    watched.setAttributes({});
    signalAll(watched.instance.pids(), 'SIGKILL');
    await until(() => watched.reports().length > 0, 'the next crash is reported');
    await until(() => lossOf(main).test(watched.log()), 'the log says so');
  }));

test('a crm_resource that is missing is said once, tried again, and the report made when it is back', () =>
  withWatched(async (watched) => {
    assertCall(await watched.act('start'), 0);
    await watched.untilWatched();
    watched.setTool('crm_resource');
    signalAll(watched.instance.pids(), 'SIGKILL');
    await until(() => /not reported yet: crm_resource: .*ENOENT/.test(watched.log()), 'the log says so');
    watched.setTool('crm_resource', `echo "$*" >>${join(watched.instance.directory, 'reported')}`);
    await until(() => watched.reports().length > 0, 'it is reported');
    assert.is(watched.log().match(/not reported yet/g)?.length, 1);
  }));

test('a crm_resource that hangs is ended, and the report is made by the next one', () =>
  withWatched(async (watched) => {
    assertCall(await watched.act('start'), 0);
    await watched.untilWatched();
    watched.setTool(
      'crm_resource',
      `echo $$ >${join(watched.instance.directory, 'hanging')}; exec /bin/sleep 600`,
    );
    signalAll(watched.instance.pids(), 'SIGKILL');
    await until(
      () => /not reported yet: crm_resource: it did not end in time/.test(watched.log()),
      'it gives up',
    );
    await untilGone(Number(readFileSync(join(watched.instance.directory, 'hanging'), 'utf8')));
    watched.setTool('crm_resource', `echo "$*" >>${join(watched.instance.directory, 'reported')}`);
    await until(() => watched.reports().length > 0, 'it is reported');
  }));

test('a stop ends a watcher whose crm_resource hangs, and that with it; the log says that it was called', () =>
  withWatched(async (watched) => {
    assertCall(await watched.act('start'), 0);
    await watched.untilWatched();
    const file = join(watched.instance.directory, 'hanging');
    watched.setTool('crm_resource', `echo $$ >${file}; exec /bin/sleep 600`);
    signalAll(watched.instance.pids(), 'SIGKILL');
    await until(() => existsSync(file) && readFileSync(file, 'utf8') !== '', 'crm_resource hangs');
    assertCall(await watched.act('stop'), 0);
    assert.equal(watched.watchers(), []);
    await untilGone(Number(readFileSync(file, 'utf8')));
    assert.match(watched.log(), `; reporting it to the cluster (resource ${RESOURCE} on ${NODE})`);
  }));

test('a watcher that was stopped and goes on reports nothing; one that stays stopped is ended by a stop', () =>
  withWatched(async (watched) => {
    assertCall(await watched.act('start'), 0);
    const pid = await watched.untilWatched();
    const polls = () => readFileSync(runFile(watched.instance.pidfile, 'polls'), 'utf8');
    process.kill(pid, 'SIGSTOP');
    const before = polls();
    process.kill(pid, 'SIGCONT');
    await until(() => polls() !== before, 'it goes on');
    assert.equal(watched.reports(), []);
    process.kill(pid, 'SIGSTOP');
    assertCall(await watched.act('stop'), 0);
    assert.equal(watched.watchers(), []);
    assert.equal(watched.reports(), []);
  }));

test('a watcher without descriptors to spare lives on, and reports a crash as soon as it has some', () =>
  withWatched(async (watched) => {
    assertCall(await watched.act('start'), 0);
    const pid = await watched.untilWatched();
    const limit = (descriptors: number | string) =>
      assert.is(spawnSync('prlimit', ['--pid', `${pid}`, `--nofile=${descriptors}:`]).status, 0);
    const polls = () => readFileSync(runFile(watched.instance.pidfile, 'polls'), 'utf8');
    limit(3);
    signalAll(watched.instance.pids(), 'SIGKILL');
    await until(() => watched.instance.pids().length === 0, 'Kamailio is gone');
    const wakes = () =>
      Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    const before = wakes();
    await until(() => wakes() > before + 20, 'it goes on looking');
    assert.equal(watched.reports(), []);
    assert.ok(polls() !== '');
    limit(1024);
    await until(() => watched.reports().length > 0, 'it is reported');
    assert.equal(watched.reports(), [REPORT]);
  }));

test('outside a cluster the log says what would have been reported', () =>
  withWatched(async (watched) => {
    watched.setTool('crm_node', 'exit 102');
    const env = { OCF_RESKEY_CRM_meta_on_node: '' };
    assertCall(await watched.act('start', {}, { env }), 0);
    await watched.untilWatched();
    signalAll(watched.instance.pids(), 'SIGKILL');
    await until(() => /outside a cluster this is reported to nobody/.test(watched.log()), 'the log says so');
    assert.match(watched.log(), new RegExp(`crm_resource --fail --resource ${RESOURCE} --node NODE`));
    await until(() => watched.watchers().length === 0, 'the watcher has ended');
    assert.equal(watched.reports(), []);
  }));

test.run();
