import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AGENT, type Call, callAgent } from '../support/agent.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import type { TestInstance } from '../support/instance.ts';
import { account, ordinaryUser } from '../support/ordinary-user.ts';
import { processesNaming, signalAll, untilGone } from '../support/processes.ts';

const EXHAUSTED = /no more processes, descriptors or memory .*; see `ulimit -a` of the executor/;

/** An agent to which the kernel refuses a system call, told as strace's `inject`; `paths` confines it to files. */
function starved({ directory }: TestInstance, inject: string, paths: readonly string[] = []): string {
  const agent = join(directory, 'starved');
  const only = paths.map((path) => `-P '${path}'`).join(' ');
  const calls = `-e trace=${inject.split(':', 1)[0]} -e 'inject=${inject}' ${only}`;
  writeFileSync(
    agent,
    `#!/bin/sh\nexec strace -f --seccomp-bpf -qq -o /dev/null ${calls} '${AGENT}' "$@"\n`,
    {
      mode: 0o755,
    },
  );
  return agent;
}

/** An agent under a limit of prlimit(1), without core dumps: below what Node.js needs it aborts. */
function limited({ directory }: TestInstance, limit: string, agent = AGENT): string {
  const file = join(directory, 'limited');
  writeFileSync(file, `#!/bin/sh\nexec prlimit --core=0 ${limit} '${agent}' "$@"\n`, { mode: 0o755 });
  return file;
}

/** Time enough for a machine that is busy: nothing here waits it out. */
const PATIENT = { CRM_meta_timeout: '30000', probe_timeout: '10' };

test('a process that cannot be looked at for want of descriptors is never "not running"', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const main = instance.mainPid();
    const files = ['cmdline', 'status', 'stat'].map((name) => `/proc/${main}/${name}`);
    for (const [index, path] of [...files, instance.pidfile].entries()) {
      const error = ['EMFILE', 'ENFILE', 'ENOMEM'][index % 3];
      const agent = starved(instance, `openat:error=${error}`, [path]);
      assertCall(
        await call(instance, 'monitor', PATIENT, { agent }),
        1,
        EXHAUSTED,
        new RegExp(`\\(${error}: `),
      );
    }
    assertCall(await call(instance, 'stop'), 0);
  }));

test('the children of a main process that was killed are not overlooked either', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const main = instance.mainPid();
    signalAll([main], 'SIGKILL');
    await untilGone(main);
    const children = instance.pids();
    for (const paths of [children.map((pid) => `/proc/${pid}/cmdline`), ['/proc']]) {
      const agent = starved(instance, 'openat:error=ENFILE', paths);
      assertCall(await call(instance, 'monitor', PATIENT, { agent }), 1, EXHAUSTED);
    }
    assertCall(await call(instance, 'stop'), 0);
  }));

test('a stop waits until it can see again, and never takes what it cannot see for gone', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const main = `/proc/${instance.mainPid()}/cmdline`;
    const pids = instance.pids();
    const blind = starved(instance, 'openat:error=ENFILE', ['/proc', main]);
    assertCall(await call(instance, 'stop', { CRM_meta_timeout: '3000' }, { agent: blind }), 1, EXHAUSTED);
    assert.equal(instance.pids(), pids);
    const forAWhile = starved(instance, 'openat:error=ENFILE:when=1..5', ['/proc', main]);
    assertCall(await call(instance, 'stop', {}, { agent: forAWhile }), 0);
    assert.equal([...processesNaming(instance.pidfile)], []);
  }));

test('a file that cannot be opened for want of descriptors is not missing', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const { kamctlrc, fifo } = instance;
    for (const path of [kamctlrc, fifo, '/proc/sys/kernel/random/uuid']) {
      const agent = starved(instance, 'openat:error=EMFILE', [path]);
      assertCall(await call(instance, 'monitor', PATIENT, { agent }), 1, EXHAUSTED);
    }
    const agent = starved(instance, 'socket:error=EMFILE');
    assertCall(
      await call(instance, 'monitor', PATIENT, { agent }),
      1,
      /udp:.*: no more proc.*tcp:.*: no more proc/,
    );
    assertCall(await call(instance, 'stop'), 0);
    for (const path of ['/usr/sbin/kamailio', '/etc/passwd', kamctlrc]) {
      const starving = starved(instance, 'openat:error=EMFILE', [path]);
      const validated = await call(instance, 'validate-all', { kamuser: 'kamailio' }, { agent: starving });
      assertCall(validated, 1, EXHAUSTED);
    }
  }));

/** The forks of glibc's Node.js are calls of clone, its threads of clone3; where it is otherwise, it does not come up. */
const canRefuseForks =
  spawnSync('strace', ['-f', '-qq', '-o', '/dev/null', '-e', 'inject=clone:error=EAGAIN', AGENT, 'version'])
    .status === 0;

(canRefuseForks ? test : test.skip)(
  'a fork that is refused is no missing program and no unknown account (needs strace, and Node.js on glibc)',
  () =>
    withInstance(
      { config: 'loadmodule "tm.so"\nloadmodule "tmx.so"\nloadmodule "usrloc.so"' },
      async (instance) => {
        const agent = starved(instance, 'clone:error=EAGAIN');
        assertCall(await call(instance, 'start', PATIENT, { agent }), 1, EXHAUSTED);
        const unknown = { kamuser: 'nobody_knows_him' };
        assertCall(await call(instance, 'validate-all', unknown, { agent }), 1, EXHAUSTED);
        assertCall(await call(instance, 'start'), 0);
        // With the spare FIFO that the start left, a monitor needs no process.
        assertCall(await call(instance, 'monitor', PATIENT, { agent }), 0);
        rmSync(instance.spareFifo);
        assertCall(await call(instance, 'monitor', PATIENT, { agent }), 1, EXHAUSTED, /control plane: /);
        const external = { ...PATIENT, monitor_tools: 'external' };
        assertCall(await call(instance, 'monitor', external, { agent }), 1, /EAGAIN/);
        assertCall(await call(instance, 'stop', {}, { agent }), 0);
      },
    ),
);

/**
 * Lowers a limit from where a monitor is healthy until it is not, and further: so often the agent says what it lacks,
 * and gives no other verdict, or until Node.js itself does not come up any more.
 */
async function lower(failures: number, monitor: (limit: number) => Promise<Call>): Promise<void> {
  let limit = 40;
  let monitored = await monitor(limit);
  while (monitored.code !== 0 && limit < 1000) {
    limit *= 2;
    monitored = await monitor(limit);
  }
  assertCall(monitored, 0);
  for (; monitored.code === 0; monitored = await monitor(limit)) limit -= 1;
  assertCall(monitored, 1, EXHAUSTED);
  for (let count = 1; count < failures && monitored.reason !== ''; count += 1) {
    assertCall(monitored, 1, EXHAUSTED);
    limit -= 1;
    monitored = await monitor(limit);
  }
  assert.not([0, 7].includes(monitored.code ?? -1), monitored.stderr);
}

test('an executor with few descriptors (ulimit -n) gets a failure with a reason, and no other verdict', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    await lower(20, (limit) => {
      const agent = limited(instance, `--nofile=${limit}`);
      return call(instance, 'monitor', PATIENT, { agent, limitMs: 30_000 });
    });
    assertCall(await call(instance, 'stop'), 0);
  }));

test('an executor with few processes (ulimit -u) gets a failure with a reason, and no other verdict', () => {
  // An account of nobody else, for the limit counts all that an account runs; root has none.
  const uid = 61_005;
  return withInstance({ uid }, async (instance) => {
    const user = ordinaryUser(instance.directory);
    const env = { ...instance.env, PATH: `${user.path}:/usr/bin:/bin` };
    const as = { uid, gid: uid, env, agent: user.agent };
    assertCall(await callAgent('start', instance.params, as), 0);
    // With the spare FIFO a monitor starts no process. One less, and Node.js has not all of its threads.
    rmSync(instance.spareFifo);
    await lower(1, (limit) => {
      const agent = limited(instance, `--nproc=${limit}`, user.agent);
      return callAgent('monitor', { ...instance.params, ...PATIENT }, { ...as, agent, limitMs: 30_000 });
    });
    assertCall(await callAgent('stop', instance.params, as), 0);
  });
});

test('a stop that cannot look up kamuser has ended Kamailio all the same, and does not fail', () =>
  withInstance({ ...account('kamailio'), params: { kamuser: 'kamailio' } }, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const agent = starved(instance, 'openat:error=EMFILE', ['/etc/passwd']);
    const stopped = await call(instance, 'stop', {}, { agent });
    assertCall(stopped, 0);
    assert.equal(instance.pids(), []);
  }));

test.run();
