import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { appendFileSync, readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { processesOf } from '../../health/support.ts';
import { assertCall, call, withInstance } from '../../support/calls.ts';
import { type TestInstance, until } from '../../support/instance.ts';
import { processesNaming, signalAll, stateOf, untilGone } from '../../support/processes.ts';
import type { Check } from './check.ts';

/** What goes wrong on each release. */
export const TROUBLES: readonly Check[] = [
  { name: 'the main process crashes: 1, and a start recovers', run: () => withInstance({}, crash) },
  { name: 'all processes are killed: 7, and it starts again', run: () => withInstance({}, killAll) },
  { name: 'Kamailio hangs: 1, and stop ends it', run: () => withInstance({}, hang) },
  {
    name: 'an error in the configuration: 2, with line and column',
    run: () => withInstance({}, brokenConfiguration),
  },
  {
    name: 'the port is in use: 1, with its holder',
    run: () => withInstance({ params: { proto: 'udp' } }, portInUse),
  },
  {
    name: 'a stopped worker: 190 at level 20',
    run: () => withInstance({ config: 'children=8' }, stoppedWorker),
  },
];

async function crash(instance: TestInstance): Promise<void> {
  assertCall(await call(instance, 'start'), 0);
  const main = instance.mainPid();
  signalAll([main], 'SIGKILL');
  await untilGone(main);
  assertCall(
    await call(instance, 'monitor'),
    1,
    new RegExp(`^the main process is not known .* pid ${main}, `),
  );
  assertCall(await call(instance, 'start'), 0);
  assertCall(await call(instance, 'monitor'), 0);
  assert.is.not(instance.mainPid(), main);
  await stop(instance);
}

async function killAll(instance: TestInstance): Promise<void> {
  assertCall(await call(instance, 'start'), 0);
  const pids = instance.pids();
  signalAll(pids, 'SIGKILL');
  for (const pid of pids) await untilGone(pid);
  assertCall(await call(instance, 'monitor'), 7, /^not running: /);
  assertCall(await call(instance, 'start'), 0);
  await stop(instance);
}

async function hang(instance: TestInstance): Promise<void> {
  assertCall(await call(instance, 'start'), 0);
  const pids = instance.pids();
  signalAll(pids, 'SIGSTOP');
  await until(() => pids.every((pid) => stateOf(pid) === 'T'), 'every process is stopped');
  assertCall(await call(instance, 'monitor', { probe_timeout: '1' }), 1, /^main process \d+ is stopped/);
  await stop(instance);
}

async function brokenConfiguration(instance: TestInstance): Promise<void> {
  const line = readFileSync(instance.conffile, 'utf8').split('\n').length;
  appendFileSync(instance.conffile, 'route[X] { nonsense }\n');
  const reason = new RegExp(`^Kamailio rejects its configuration .* line ${line}, column \\d+`);
  assertCall(await call(instance, 'start'), 2, reason);
  assertCall(await call(instance, 'validate-all'), 2, reason);
  assert.equal([...processesNaming(instance.pidfile)], [], 'nothing runs');
}

async function portInUse(instance: TestInstance): Promise<void> {
  const socket = createSocket('udp4').bind(instance.port, '127.0.0.1');
  try {
    await once(socket, 'listening');
    const holder = new RegExp(`in use: .*udp:127\\.0\\.0\\.1:${instance.port} by pid ${process.pid} `);
    assertCall(await call(instance, 'start'), 1, holder);
    assert.equal([...processesNaming(instance.pidfile)], [], 'nothing runs');
  } finally {
    socket.close();
  }
}

async function stoppedWorker(instance: TestInstance): Promise<void> {
  assertCall(await call(instance, 'start'), 0);
  const [timer = 0] = await processesOf(instance, /^slow timer/);
  assert.ok(timer > 0, 'Kamailio has a process for slow timers');
  signalAll([timer], 'SIGSTOP');
  assertCall(await call(instance, 'monitor'), 0);
  const deep = await call(instance, 'monitor', {}, { env: { OCF_CHECK_LEVEL: '20' } });
  assertCall(deep, 190, new RegExp(`worker ${timer} is stopped`));
  signalAll([timer], 'SIGCONT');
  await stop(instance);
}

async function stop(instance: TestInstance): Promise<void> {
  assertCall(await call(instance, 'stop'), 0);
  assert.equal([...processesNaming(instance.pidfile)], [], 'every process is gone');
}
