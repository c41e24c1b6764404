import { spawn, spawnSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { replyFifoPrefix } from '../../src/kamctl/fifo-names.ts';
import { readStat } from '../../src/process/procfs.ts';
import { AGENT } from '../support/agent.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { type TestInstance, until } from '../support/instance.ts';
import { untilGone, withSleep } from '../support/processes.ts';
import { type ControlStandIn, controlStandIn, makeFifo } from './support.ts';

/** A monitor that waits for a reply that never comes; `body` gets its process and what its end was. */
async function withWaitingMonitor(
  instance: TestInstance,
  standIn: ControlStandIn,
  body: (pid: number, end: Promise<unknown>) => Promise<void>,
): Promise<void> {
  const before = standIn.requests.length;
  const params = { ...instance.params, kamctlrc: kamctlrcOf(standIn), probe_timeout: '30' };
  const env: NodeJS.ProcessEnv = { PATH: process.env.PATH ?? '' };
  for (const [name, value] of Object.entries(params)) env[`OCF_RESKEY_${name}`] = value;
  const agent = spawn(AGENT, ['monitor'], { env, stdio: 'ignore' });
  const end = new Promise((resolve) => agent.on('exit', (code, signal) => resolve(signal ?? code)));
  try {
    await until(() => standIn.requests.length > before, 'the agent has sent its request');
    await body(agent.pid ?? -1, end);
  } finally {
    agent.kill('SIGKILL');
  }
}

/** The kamctlrc of a stand-in: an instance with it asks the stand-in. */
function kamctlrcOf(standIn: ControlStandIn): string {
  const kamctlrc = join(standIn.directory, 'kamctlrc');
  writeFileSync(kamctlrc, `RPCFIFOPATH=${standIn.settings.fifo}\nCHROOT_DIR=${standIn.directory}\n`);
  return kamctlrc;
}

async function withStandIn(
  body: (instance: TestInstance, standIn: ControlStandIn) => Promise<void>,
): Promise<void> {
  const standIn = controlStandIn(() => {});
  try {
    await withInstance({}, async (instance) => {
      assertCall(await call(instance, 'start'), 0);
      await body(instance, standIn);
    });
  } finally {
    standIn.close();
  }
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  test(`an agent that ${signal} ends in the middle of a call leaves no FIFO, and its end shows the signal`, () =>
    withStandIn((instance, standIn) =>
      withWaitingMonitor(instance, standIn, async (pid, end) => {
        process.kill(pid, signal);
        assert.is(await end, signal);
        assert.equal(standIn.leftovers(), []);
      }),
    ));
}

for (const action of ['stop', 'reload-agent'])
  test(`a FIFO of an agent that SIGKILL ended carries its instance, and the next ${action} removes it`, () =>
    withStandIn((instance, standIn) =>
      withWaitingMonitor(instance, standIn, async (pid, end) => {
        const [name = ''] = standIn.leftovers();
        const prefix = replyFifoPrefix(standIn.settings.replyDirectory, instance.pidfile);
        assert.ok(name.startsWith(`${prefix}_${pid}_`), name);
        process.kill(pid, 'SIGKILL');
        await end;
        assert.equal(standIn.leftovers(), [name]);
        assertCall(await call(instance, action, { kamctlrc: kamctlrcOf(standIn) }), 0);
        assert.equal(standIn.leftovers(), []);
      }),
    ));

test('a FIFO of an agent that still waits survives the stop of its instance', () =>
  withStandIn((instance, standIn) =>
    withWaitingMonitor(instance, standIn, async () => {
      const before = standIn.leftovers();
      assert.is(before.length, 1);
      assertCall(await call(instance, 'stop', { kamctlrc: kamctlrcOf(standIn) }), 0);
      assert.equal(standIn.leftovers(), before);
    }),
  ));

const RANDOM = '0123456789abcdef01234567';

/** A pid that no process has: that of one that has just ended. */
async function unusedPid(): Promise<number> {
  let pid = 0;
  await withSleep(async (sleep) => {
    pid = sleep.pid;
  });
  await untilGone(pid);
  return pid;
}

/** What a start and a stop must leave alone, by what it is; each puts it at a path that would be swept. */
const STRANGERS: Readonly<Record<string, (path: string) => void>> = {
  'a file': (path) => writeFileSync(path, 'precious'),
  'a directory': (path) => mkdirSync(path),
  'a link to a FIFO': (path) => symlinkSync('/nonexistent/fifo', path),
  'a FIFO of another account': (path) => {
    makeFifo(path);
    chownSync(path, 65_534, 65_534);
  },
};

test("start and stop sweep what no agent holds, and leave alone what is a stranger's, another instance's or held", async () => {
  const dead = await unusedPid();
  const put: string[] = [];
  try {
    await withInstance({}, async (instance) => {
      const prefix = `/tmp/${replyFifoPrefix('/tmp', instance.pidfile)}`;
      const pathOf = (mark: string) => {
        const path = `${prefix}_${mark}_${RANDOM}`;
        put.push(path);
        return path;
      };
      const kept = [
        pathOf(`${process.pid}_${readStat(process.pid)?.startTime}`),
        `${prefix}2_${dead}_1_${RANDOM}`,
        `${prefix}_${dead}_1_${RANDOM}x`,
      ];
      put.push(...kept);
      for (const path of kept) makeFifo(path);
      for (const [index, [, make]] of Object.entries(STRANGERS).entries()) {
        const path = pathOf(`${dead}_${index + 10}`);
        make(path);
        kept.push(path);
      }
      for (const action of ['start', 'start', 'stop']) {
        // Of a dead agent, and of one whose pid another process has now.
        const swept = [pathOf(`${dead}_1`), pathOf(`${process.pid}_1`)];
        for (const path of swept) makeFifo(path);
        assertCall(await call(instance, action), 0);
        for (const path of swept) assert.not(existsSync(path), `${action} left ${path}`);
        for (const path of kept) assert.ok(lstatSync(path), path);
      }
    });
  } finally {
    for (const path of put) rmSync(path, { recursive: true, force: true });
  }
});

test('a home of kamctl whose agent SIGKILL ended goes with the FIFO that kamctl left', () =>
  withInstance({}, async (instance) => {
    // It notes its home and its pid, makes the FIFO that kamctl makes, and waits.
    const kamctl = join(instance.directory, 'kamctl');
    const note = join(instance.directory, 'note');
    const script = `#!/bin/sh\nmkfifo /tmp/kamailio_receiver_$$\necho "$HOME $$" > ${note}.new\nmv ${note}.new ${note}\nexec sleep 1000\n`;
    writeFileSync(kamctl, script, { mode: 0o755 });
    assertCall(await call(instance, 'start'), 0);
    const params = { ...instance.params, monitor_tools: 'external', kamctl, probe_timeout: '30' };
    const env: NodeJS.ProcessEnv = { PATH: process.env.PATH ?? '' };
    for (const [name, value] of Object.entries(params)) env[`OCF_RESKEY_${name}`] = value;
    const agent = spawn(AGENT, ['monitor'], { env, stdio: 'ignore' });
    const end = new Promise((resolve) => agent.on('exit', resolve));
    let kamctlPid = 0;
    try {
      await until(() => existsSync(note), 'kamctl waits');
      const { stdout } = spawnSync('cat', [note], { encoding: 'utf8' });
      const [home = '', pid] = stdout.trim().split(' ');
      kamctlPid = Number(pid);
      const fifo = `/tmp/kamailio_receiver_${pid}`;
      assert.match(home, new RegExp(`^/run/kamailio_ocf_home_${agent.pid}_\\d+_\\w{6}$`));
      await until(() => readdirSync(home).length === 2, 'the agent has noted the FIFO');
      assertCall(await call(instance, 'start'), 0);
      assert.ok(existsSync(home) && existsSync(fifo), 'a start leaves what a living agent uses');
      agent.kill('SIGKILL');
      await end;
      assert.ok(existsSync(home) && existsSync(fifo));
      assertCall(await call(instance, 'stop'), 0);
      assert.not(existsSync(home));
      assert.not(existsSync(fifo));
    } finally {
      agent.kill('SIGKILL');
      if (kamctlPid > 0) process.kill(kamctlPid, 'SIGKILL');
    }
  }));

test.run();
