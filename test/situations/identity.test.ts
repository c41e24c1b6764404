import { chownSync, copyFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { type TestInstance, until } from '../support/instance.ts';
import { account } from '../support/ordinary-user.ts';
import { type Bystander, commandLine, processesNaming, withProgram } from '../support/processes.ts';
import { copyNode, withStandIn } from '../support/stand-in.ts';

/** What the wrong program runs: nothing, for as long as it is let. */
const IDLE = ['-e', 'setInterval(() => {}, 2 ** 30)', '--'];

/** Asserts that a process is neither counted nor signalled, also when the pidfile leads to it. */
async function assertNotOurs(instance: TestInstance, other: Bystander): Promise<void> {
  await until(() => commandLine(other.pid).length > 0, 'it is executed');
  const leftAlone = /^not running: /;
  assertCall(await call(instance, 'monitor'), 7, leftAlone);
  assertCall(await call(instance, 'stop'), 0);
  writeFileSync(instance.pidfile, `${other.pid}\n`);
  assertCall(await call(instance, 'monitor'), 7, leftAlone, /which is another program \(left alone\)/);
  assertCall(await call(instance, 'stop'), 0);
  writeFileSync(instance.pidfile, `${other.pid}\n`);
  assertCall(await call(instance, 'start'), 0);
  assertCall(await call(instance, 'monitor'), 0);
  assertCall(await call(instance, 'stop'), 0);
  assert.is(other.ended(), undefined, 'it lives on');
}

test('another program that calls itself kamailio and shows the pidfile is not ours', () =>
  withInstance({}, async (instance) => {
    const args = [...IDLE, '-P', instance.pidfile, '-f', instance.conffile];
    for (const argv0 of ['kamailio', '/usr/sbin/kamailio'])
      await withProgram(process.execPath, args, { argv0 }, (other) => assertNotOurs(instance, other));
  }));

test('a program of an ordinary user that is called kamailio is not ours', () =>
  withInstance({}, async (instance) => {
    const { uid, gid } = account('nobody');
    const program = join(instance.directory, 'kamailio');
    copyNode(program);
    chownSync(program, uid, gid);
    const args = [...IDLE, '-P', instance.pidfile];
    await withProgram(program, args, { uid, gid }, (other) => assertNotOurs(instance, other));
  }));

test('a Kamailio with a pidfile whose path only begins alike is not ours', () =>
  withInstance({}, async (instance) => {
    const program = join(instance.directory, 'kamailio');
    copyNode(program);
    for (const words of [
      ['-P', `${instance.pidfile}2`],
      [`-P${instance.pidfile}2`],
      ['-f', instance.pidfile],
      [`-P ${instance.pidfile}`],
    ])
      await withProgram(program, [...IDLE, ...words], {}, (other) => assertNotOurs(instance, other));
  }));

test('a Kamailio with the same pidfile in another PID namespace is not ours', () =>
  withInstance({}, async (instance) => {
    // As in a container: its own process table, where the same numbers mean other processes.
    const container = ['--pid', '--fork', '--kill-child', '--mount-proc', '/usr/sbin/kamailio'];
    const listen = ['udp', 'tcp'].flatMap((proto) => ['-l', `${proto}:127.0.0.1:${instance.port}`]);
    const args = [...container, '-DD', '-P', instance.pidfile, '-f', instance.conffile, ...listen];
    assertCall(await call(instance, 'start'), 0);
    const all = instance.pids().length;
    assertCall(await call(instance, 'stop'), 0);
    await withProgram('unshare', args, {}, async (unshare) => {
      const inside = () =>
        [...processesNaming(instance.pidfile).keys()].filter((pid) => pid !== unshare.pid).sort();
      await until(async () => {
        const polled = await call(instance, 'monitor');
        return inside().length === all && polled.code === 7;
      }, 'it runs in its namespace, and has forked as many processes as one outside');
      const pids = inside();
      assertCall(await call(instance, 'monitor'), 7, /^not running: /);
      assertCall(await call(instance, 'stop'), 0);
      assert.equal(inside(), pids, 'it lives on');
      const [first] = pids;
      writeFileSync(instance.pidfile, `${first}\n`);
      assertCall(await call(instance, 'monitor'), 7, /which is another program \(left alone\)/);
      assertCall(await call(instance, 'stop'), 0);
      assert.equal(inside(), pids, 'it lives on');
      assert.is(unshare.ended(), undefined);
    });
    await until(() => processesNaming(instance.pidfile).size === 0, 'the namespace is gone');
  }));

test("a program of root's that is called kamailio is ours, wherever it lies", () =>
  withInstance({}, (instance) =>
    withStandIn(instance, '', async (standIn) => {
      assertCall(
        await call(instance, 'monitor'),
        1,
        new RegExp(`^Kamailio runs \\(pid ${standIn.pid}\\) but is`),
      );
      rmSync(instance.pidfile);
      assertCall(
        await call(instance, 'monitor'),
        1,
        new RegExp(`1 processes? .*: pid ${standIn.pid}; a stop`),
      );
      assertCall(await call(instance, 'stop'), 0);
      await until(() => standIn.ended() !== undefined, 'it has ended');
      assert.is(standIn.ended(), 'SIGTERM');
    }),
  ));

/** A copy of Kamailio under a name of its own, as `binary`. */
async function withPrivateBinary(
  body: (instance: TestInstance, binary: string) => Promise<void>,
): Promise<void> {
  await withInstance({}, async (instance) => {
    const binary = join(instance.directory, 'sip-router');
    copyFileSync('/usr/sbin/kamailio', binary);
    try {
      await body({ ...instance, params: { ...instance.params, binary } }, binary);
    } finally {
      assertCall(await call(instance, 'stop', { binary }), 0);
      assert.equal([...processesNaming(instance.pidfile)], []);
    }
  });
}

test('a Kamailio whose file an upgrade has replaced is still ours', () =>
  withPrivateBinary(async (instance, binary) => {
    assertCall(await call(instance, 'start'), 0);
    const pid = instance.mainPid();
    copyFileSync('/usr/sbin/kamailio', `${binary}.new`);
    renameSync(`${binary}.new`, binary);
    assertCall(await call(instance, 'monitor'), 0);
    assertCall(await call(instance, 'start'), 0);
    assert.is(instance.mainPid(), pid);
    assertCall(await call(instance, 'stop'), 0);
    assert.equal([...processesNaming(instance.pidfile)], []);
    assertCall(await call(instance, 'monitor'), 7, /^not running: /);
  }));

test('a Kamailio whose file and configuration were removed is monitored and stopped', () =>
  withPrivateBinary(async (instance, binary) => {
    assertCall(await call(instance, 'start'), 0);
    rmSync(binary);
    rmSync(instance.conffile);
    assertCall(await call(instance, 'monitor'), 0);
    assertCall(await call(instance, 'stop'), 0);
    assert.equal([...processesNaming(instance.pidfile)], []);
  }));

test('a binary that is a symbolic link names the same Kamailio', () =>
  withInstance({}, async (instance) => {
    const directory = join(instance.directory, 'links');
    mkdirSync(directory);
    const binary = join(directory, 'ser');
    symlinkSync('/usr/sbin/kamailio', binary);
    assertCall(await call(instance, 'start', { binary }), 0);
    assertCall(await call(instance, 'monitor', { binary }), 0);
    assertCall(await call(instance, 'monitor'), 0);
    rmSync(binary);
    assertCall(await call(instance, 'stop', { binary }), 0);
    assert.equal([...processesNaming(instance.pidfile)], []);
  }));

test.run();
