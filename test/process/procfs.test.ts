import { readFileSync, unlinkSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  executableOwner,
  listPids,
  readArgv,
  readExecutable,
  readStat,
  readStatus,
} from '../../src/process/procfs.ts';
import { until } from '../support/instance.ts';
import { withScene, withZombie } from './support.ts';

const NO_PID = 2 ** 22 + 1;

test('a process whose name holds blanks and parentheses is read right', async () => {
  await withScene(async (scene) => {
    for (const name of [') (', ') R 1 2', 'a b)', '((', ') Z 0 0 (x)']) {
      const { pid } = await scene.run(name, []);
      assert.ok(readFileSync(`/proc/${pid}/stat`, 'utf8').includes(name.slice(0, 15)));
      const stat = readStat(pid);
      assert.is(stat?.pid, pid);
      assert.is(stat?.state, 'S', name);
      assert.is(stat?.parent, process.pid, name);
      assert.match(stat?.startTime ?? '', /^\d+$/);
      assert.ok(Number(stat?.startTime) >= Number(readStat(process.pid)?.startTime), name);
    }
  });
});

test('CPU time is counted and the start time stays', () => {
  const before = readStat(process.pid);
  for (let spin = 0; (readStat(process.pid)?.cpuTicks ?? 0) <= (before?.cpuTicks ?? 0); spin++)
    Math.sqrt(spin);
  const after = readStat(process.pid);
  assert.ok((after?.cpuTicks ?? 0) > (before?.cpuTicks ?? 0));
  assert.is(after?.startTime, before?.startTime);
});

test('a stopped process is in state T, a dead one that nobody has waited for in state Z', async () => {
  await withScene(async (scene) => {
    const { pid } = await scene.run('program', []);
    process.kill(pid, 'SIGSTOP');
    await until(() => readStat(pid)?.state === 'T', 'it is stopped');
  });
  await withZombie((pid) => {
    assert.is(readStat(pid)?.state, 'Z');
    assert.is(readArgv(pid), undefined);
    assert.is(readExecutable(pid), 'gone');
    assert.is(executableOwner(pid), undefined);
  });
});

test('the words of a command line are told apart, empty ones and blanks included', async () => {
  await withScene(async (scene) => {
    const args = ['', 'a b', '-P', '/x\ny', 'ä', ''];
    const { pid, path } = await scene.run('program', args);
    assert.equal([...(readArgv(pid) ?? [])], [path, '-c', 'echo up; read x', ...args]);
  });
});

test('the executable is known by its path, and still when its file is gone', async () => {
  await withScene(async (scene) => {
    const { pid, path } = await scene.run('program', []);
    assert.equal(readExecutable(pid), { path });
    assert.is(executableOwner(pid), process.geteuid?.());
    unlinkSync(path);
    assert.equal(readExecutable(pid), { path: `${path} (deleted)` });
    assert.is(executableOwner(pid), process.geteuid?.());
  });
});

test('a process has an effective and a real account', () => {
  assert.equal(readStatus(process.pid), {
    uid: process.geteuid?.(),
    realUid: process.getuid?.(),
    gid: process.getegid?.(),
    pidNamespaces: 1,
  });
});

test('what does not exist is undefined everywhere', () => {
  assert.is(readStat(NO_PID), undefined);
  assert.is(readArgv(NO_PID), undefined);
  assert.is(readExecutable(NO_PID), 'gone');
  assert.is(readStatus(NO_PID), undefined);
});

test('the list of pids holds this process and numbers only', () => {
  const pids = listPids();
  assert.ok(pids.includes(process.pid));
  assert.ok(pids.every((pid) => Number.isSafeInteger(pid) && pid > 0));
});

test.run();
