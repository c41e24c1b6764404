import { createSocket } from 'node:dgram';
import { chmodSync, existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { lockAddress } from '../../src/process/lock.ts';
import { listeningSockets } from '../../src/process/sockets.ts';
import type { Call } from '../support/agent.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { type TestInstance, until } from '../support/instance.ts';
import { withLockHolder } from '../support/lock-holder.ts';
import { account } from '../support/ordinary-user.ts';
import { isAlive, withProgram } from '../support/processes.ts';

function isLocked({ pidfile }: TestInstance): boolean {
  const { address, port } = lockAddress(pidfile);
  return listeningSockets(['udp']).some((socket) => socket.address === address && socket.port === port);
}

/** A Kamailio that takes its time before it does anything: the file `go` lets it. */
function slowToStart(instance: TestInstance): { readonly binary: string; readonly go: () => void } {
  const gate = join(instance.directory, 'go');
  writeFileSync(
    join(instance.directory, 'slow'),
    `#!/bin/sh\nuntil [ -e ${gate} ]; do sleep 0.05; done\nexec /usr/sbin/kamailio "$@"\n`,
  );
  chmodSync(join(instance.directory, 'slow'), 0o755);
  return { binary: join(instance.directory, 'slow'), go: () => writeFileSync(gate, '') };
}

/** Calls an action that has to wait, and lets the other one go on once it says so. */
async function callWaiting(
  instance: TestInstance,
  action: string,
  params: Readonly<Record<string, string>>,
  go: () => void,
): Promise<Call> {
  const log = join(instance.directory, 'log');
  writeFileSync(log, '');
  const called = call(instance, action, params, { env: { HA_LOGFILE: log } });
  const waits = /waiting for another start or stop of this instance, pid \d+ \(/;
  await until(() => waits.test(readFileSync(log, 'utf8')), `the ${action} waits`);
  go();
  return called;
}

test('of two starts at a time both say 0, and one Kamailio runs', () =>
  withInstance({}, async (instance) => {
    for (let round = 0; round < 5; round += 1) {
      const starts = await Promise.all([call(instance, 'start'), call(instance, 'start')]);
      for (const start of starts) assertCall(start, 0);
      const launched = starts.filter(({ stderr }) => / is started \(pid /.test(stderr));
      assert.is(launched.length, 1, 'one of them has launched it');
      assertCall(await call(instance, 'monitor'), 0);
      assertCall(await call(instance, 'stop'), 0);
    }
  }));

test('a start that waits for another says for whom, and finds its Kamailio', () =>
  withInstance({}, async (instance) => {
    const { binary, go } = slowToStart(instance);
    const first = call(instance, 'start', { binary });
    await until(() => isLocked(instance), 'the first start has the lock');
    const waited = await callWaiting(instance, 'start', { binary }, go);
    assertCall(await first, 0);
    assertCall(waited, 0);
    assert.match(waited.stderr, /already runs \(pid \d+\)/);
    assertCall(await call(instance, 'monitor'), 0);
  }));

test('a stop during a start waits for it, and nothing is left', () =>
  withInstance({}, async (instance) => {
    const { binary, go } = slowToStart(instance);
    const started = call(instance, 'start', { binary });
    await until(() => isLocked(instance), 'the start has the lock');
    const stopped = await callWaiting(instance, 'stop', { binary }, go);
    assertCall(await started, 0);
    assertCall(stopped, 0);
    assert.match(stopped.stderr, /Kamailio is stopped: \d+ processes ended/);
    assert.equal(instance.pids(), []);
    assertCall(await call(instance, 'monitor'), 7);
  }));

test('a start during a stop waits for it, and runs afterwards', () =>
  withInstance({}, async (instance) => {
    for (let round = 0; round < 3; round += 1) {
      assertCall(await call(instance, 'start'), 0);
      const stopped = call(instance, 'stop');
      await until(() => isLocked(instance) || instance.pids().length === 0, 'the stop is at work');
      const started = call(instance, 'start');
      assertCall(await stopped, 0);
      assertCall(await started, 0);
      assertCall(await call(instance, 'monitor'), 0);
      assertCall(await call(instance, 'stop'), 0);
    }
  }));

test('a start whose lock another process keeps says who that is, and launches nothing', () =>
  withInstance({}, (instance) =>
    withLockHolder(lockAddress(instance.pidfile), [], async ({ pid }) => {
      const limitMs = 2000;
      const started = await call(instance, 'start', { CRM_meta_timeout: String(limitMs) }, { limitMs });
      assertCall(
        started,
        1,
        new RegExp(
          `^another start or stop of this instance, pid ${pid} \\(.*\\), did not end in time; this start has launched nothing; see `,
        ),
      );
      assert.equal(instance.pids(), []);
    }),
  ));

test('a stop goes on beside a holder that never lets go', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    await withLockHolder(lockAddress(instance.pidfile), [], async ({ pid }) => {
      const limitMs = 4000;
      for (const params of [{}, { stop_grace: '2' }, { stop_grace: '60' }]) {
        const stopped = await call(
          instance,
          'stop',
          { CRM_meta_timeout: String(limitMs), ...params },
          { limitMs },
        );
        assertCall(stopped, 0);
        assert.match(
          stopped.stderr,
          new RegExp(
            `WARNING: pid ${pid} \\(.*\\) is still at work on this instance .*; stopping it all the same`,
          ),
        );
        assert.equal(instance.pids(), []);
      }
    });
  }));

test('the lock of a start that was killed is free at once', () =>
  withInstance({}, (instance) =>
    withLockHolder(lockAddress(instance.pidfile), [], async (holder) => {
      const started = await callWaiting(instance, 'start', {}, () => holder.kill());
      assertCall(started, 0);
      assertCall(await call(instance, 'stop'), 0);
    }),
  ));

test('what a start launches does not inherit its lock', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    assert.not(isLocked(instance));
    const mine = (pid: number) =>
      readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    const holder = await holdHere(instance);
    try {
      const held = listeningSockets(['udp']).find(({ address }) => address === holder.address);
      assert.ok(held);
      const lines = instance.pids().flatMap(mine);
      assert.not(lines.includes(`socket:[${held.inode}]`));
    } finally {
      holder.close();
    }
  }));

/** Nobody else can have the address if Kamailio has kept it. */
function holdHere({ pidfile }: TestInstance): Promise<{ readonly address: string; close(): void }> {
  const { address, port } = lockAddress(pidfile);
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', reject);
    socket.bind({ address, port, exclusive: true }, () => resolve({ address, close: () => socket.close() }));
  });
}

/** Root's lock is on a port that others may not bind; this one was given the capability. */
const STRANGER = [
  'setpriv',
  `--reuid=${account('nobody').uid}`,
  '--clear-groups',
  '--inh-caps=+net_bind_service',
  '--ambient-caps=+net_bind_service',
];

test('another account that holds the lock keeps nobody from starting and stopping', () =>
  withInstance({}, (instance) =>
    withLockHolder(lockAddress(instance.pidfile), STRANGER, async () => {
      for (const action of ['start', 'monitor', 'stop']) {
        const called = await call(instance, action);
        assertCall(called, 0);
        assert.not.match(called.stderr, /waiting/);
      }
      assert.equal(instance.pids(), []);
    }),
  ));

test('a program that listens on the port of every address keeps nobody from starting and stopping', () =>
  withInstance({}, (instance) =>
    withLockHolder({ ...lockAddress(instance.pidfile), address: '0.0.0.0' }, [], async () => {
      for (const action of ['start', 'monitor', 'stop']) assertCall(await call(instance, action), 0);
    }),
  ));

test('a start that fails ends what it has launched and nothing else', () =>
  withInstance({ route: 'sl_send_reply("503", "Not yet");' }, async (instance) => {
    // Somebody starts a Kamailio of the same instance while the agent's own comes up, on another port.
    const args = ['-P', instance.pidfile, '-f', instance.conffile, '-DD', '-l', 'udp:127.0.0.1:0'];
    const { binary, go } = slowToStart(instance);
    const started = call(instance, 'start', { binary, CRM_meta_timeout: '4000' });
    await until(() => isLocked(instance), 'the start has the lock');
    await withProgram('/usr/sbin/kamailio', args, {}, async (other) => {
      await until(() => existsSync(instance.pidfile), 'the other Kamailio runs');
      go();
      const { code } = await started;
      assert.is(code, 1);
      assert.ok(isAlive(other.pid), 'it lives');
    });
  }));

test.run();
