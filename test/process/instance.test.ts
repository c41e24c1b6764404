import { spawn, spawnSync } from 'node:child_process';
import { chownSync, copyFileSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findProcesses, identify, refresh } from '../../src/process/instance.ts';
import { findMain } from '../../src/process/pidfile.ts';
import { listPids, readArgv, readStat } from '../../src/process/procfs.ts';
import { until } from '../support/instance.ts';
import { withScene, withZombie } from './support.ts';

const found = (binary: string, pidfile: string) =>
  findProcesses({ binary, pidfile })
    .map(({ pid }) => pid)
    .sort((a, b) => a - b);

test('the processes of an instance are those of its program with -P and its pidfile', async () => {
  await withScene(async (scene) => {
    const pidfile = `${scene.directory}/kamailio.pid`;
    const main = await scene.run('kamailio', ['-P', pidfile, '-f', 'x']);
    const child = await scene.run('kamailio', ['-f', 'x', '-P', pidfile]);
    await scene.run('kamailio', ['-P', `${pidfile}2`]);
    await scene.run('kamailio', ['-P', pidfile.slice(0, -1), 'x']);
    await scene.run('kamailio', [`-P${pidfile}`]);
    await scene.run('kamailio', [pidfile, '-P']);
    await scene.run('kamailio', ['-p', pidfile]);
    await scene.run('kamailio', ['-P', '', pidfile]);
    await scene.run('vi', ['-P', pidfile]);
    assert.equal(
      found(main.path, pidfile),
      [main.pid, child.pid].sort((a, b) => a - b),
    );
  });
});

test('a program of another name counts when it is the binary itself or what that links to', async () => {
  await withScene(async (scene) => {
    const pidfile = `${scene.directory}/kamailio.pid`;
    const { path, pid } = await scene.run('sip-server-5', ['-P', pidfile]);
    const link = `${scene.directory}/sip-server`;
    symlinkSync(path, link);
    assert.equal(found(path, pidfile), [pid]);
    assert.equal(found(link, pidfile), [pid]);
    assert.equal(found('/usr/sbin/kamailio', pidfile), []);
  });
});

test('a Kamailio whose file an upgrade has replaced or removed is still the instance', async () => {
  await withScene(async (scene) => {
    const pidfile = `${scene.directory}/kamailio.pid`;
    const { path, pid } = await scene.run('kamailio', ['-P', pidfile]);
    unlinkSync(path);
    assert.equal(found(path, pidfile), [pid]);
    copyFileSync('/bin/true', path);
    assert.equal(found(path, pidfile), [pid]);
    assert.equal(found('/opt/other/kamailio', pidfile), [pid]);
  });
});

test("a stranger's program that is only called kamailio is not the instance's", async () => {
  await withScene(async (scene) => {
    const pidfile = `${scene.directory}/kamailio.pid`;
    const { path } = await scene.run('kamailio', ['-P', pidfile]);
    chownSync(path, 65_534, 65_534);
    assert.equal(found('/usr/sbin/kamailio', pidfile), []);
  });
});

test('a process that has ended or is a zombie is not living', async () => {
  await withScene(async (scene) => {
    const pidfile = `${scene.directory}/kamailio.pid`;
    const { path, pid, end, ended } = await scene.run('kamailio', ['-P', pidfile]);
    const before = identify(pid, { binary: path, pidfile });
    assert.is(before?.pid, pid);
    assert.equal(before && refresh(before)?.startTime, before?.startTime);
    end();
    await ended;
    assert.is(identify(pid, { binary: path, pidfile }), undefined);
    assert.is(before && refresh(before), undefined);
    assert.equal(found(path, pidfile), []);
  });
});

test('a pid that belongs to another process by now is not refreshed', () => {
  const stat = readStat(process.pid);
  assert.ok(stat && refresh(stat));
  assert.is(refresh({ ...stat, startTime: '1' }), undefined);
});

test('a zombie is refreshed to nothing, so that a stop does not wait for its parent', async () => {
  await withZombie((pid) => {
    const stat = readStat(pid);
    assert.ok(stat);
    assert.is(refresh(stat), undefined);
  });
});

const canUnshare = spawnSync('unshare', ['--pid', '--fork', 'true']).status === 0;

(canUnshare ? test : test.skip)(
  "a container's Kamailio with the same pidfile is not ours (needs a PID namespace)",
  async () => {
    await withScene(async (scene) => {
      const pidfile = `${scene.directory}/kamailio.pid`;
      const { path, pid } = await scene.run('kamailio', ['-P', pidfile]);
      const container = spawn(
        'unshare',
        ['--pid', '--fork', '--kill-child', path, '-c', 'read x', '-P', pidfile],
        {
          stdio: ['pipe', 'ignore', 'ignore'],
        },
      );
      try {
        const inside = () => listPids().find((other) => readStat(other)?.parent === container.pid) ?? 0;
        await until(
          () => readArgv(inside())?.includes(pidfile) === true && readArgv(inside())?.[0] === path,
          'it runs',
        );
        assert.is.not(inside(), pid);
        assert.equal(found(path, pidfile), [pid]);
      } finally {
        container.kill('SIGKILL');
      }
    });
  },
);

test('the pidfile leads to the main process, and says why when it does not', async () => {
  await withScene(async (scene) => {
    const pidfile = `${scene.directory}/kamailio.pid`;
    const { path, pid } = await scene.run('kamailio', ['-P', pidfile]);
    const why = () => {
      const main = findMain({ binary: path, pidfile });
      return main.found ? `pid ${main.process.pid}` : main.why;
    };
    assert.match(why(), /does not exist/);
    for (const [text, expected] of [
      [`${pid}`, `pid ${pid}`],
      [`${pid}\n`, `pid ${pid}`],
      ['', 'is empty'],
      ['  \n', 'is empty'],
      ['-1', 'holds "-1", which is no process id'],
      ['0', 'no process id'],
      ['1e3', 'no process id'],
      [`${pid} ${pid}`, 'no process id'],
      ['x'.repeat(10_000), 'no process id'],
      ['4194305', 'names pid 4194305, which is gone'],
      ['9999999999', 'which is gone'],
      [String(process.pid), `names pid ${process.pid}, which is another program (left alone)`],
      ['1', 'which is another program (left alone)'],
    ] as const) {
      writeFileSync(pidfile, text);
      assert.ok(why().includes(expected), `${text}: ${why()}`);
    }
  });
});

test('a pidfile that is a link, a directory or a FIFO is not followed and not waited for', async () => {
  await withScene(async (scene) => {
    const { path, pid } = await scene.run('kamailio', ['-P', `${scene.directory}/link`]);
    const why = (pidfile: string) => {
      const main = findMain({ binary: path, pidfile });
      return main.found ? 'found' : main.why;
    };
    writeFileSync(`${scene.directory}/real`, String(pid));
    symlinkSync(`${scene.directory}/real`, `${scene.directory}/link`);
    assert.match(why(`${scene.directory}/link`), /is a symbolic link/);
    assert.match(why(scene.directory), /no regular file/);
    spawnSync('mkfifo', [`${scene.directory}/fifo`]);
    assert.match(why(`${scene.directory}/fifo`), /no regular file/);
    assert.match(why(`${scene.directory}/real/x`), /does not exist/);
  });
});

test.run();
