import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Call } from '../support/agent.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { type TestInstance, until } from '../support/instance.ts';
import { agentWithMounts, canMount } from '../support/mounts.ts';
import { account, ordinaryUser } from '../support/ordinary-user.ts';
import { signalAll, stateOf } from '../support/processes.ts';
import { traceAction } from '../support/trace.ts';

const isRoot = process.geteuid?.() === 0;
const KAMAILIO = isRoot ? account('kamailio') : { uid: 0, gid: 0 };

/** A running Kamailio of the account kamailio; `as` calls the agent as `nobody` in a group. */
function withKamailioOfKamuser(
  body: (
    instance: TestInstance,
    as: (gid: number, action: string, level?: string) => Promise<Call>,
  ) => Promise<void>,
): Promise<void> {
  const params = { kamuser: 'kamailio', kamgroup: 'kamailio' };
  const config = 'modparam("jsonrpcs", "fifo_group", "kamailio")';
  return withInstance({ params, config, uid: KAMAILIO.uid, gid: KAMAILIO.gid }, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const { agent, path, uid } = ordinaryUser(instance.directory);
    await body(instance, (gid, action, level = '10') =>
      call(instance, action, {}, { agent, uid, gid, env: { PATH: path, OCF_CHECK_LEVEL: level } }),
    );
  });
}

const needsRoot = isRoot ? test : test.skip;

needsRoot("a member of Kamailio's group is told who may ask the control plane", () =>
  withKamailioOfKamuser(async (_, as) => {
    for (const level of ['10', '20'])
      assertCall(
        await as(KAMAILIO.gid, 'monitor', level),
        1,
        /control plane: no permission to give Kamailio \(uid \d+\) a FIFO for its reply: this agent runs as uid \d+; call the agent as root or as Kamailio's account/,
      );
    assertCall(await as(KAMAILIO.gid, 'monitor', '0'), 0);
  }),
);

needsRoot('an account that may not write to the FIFO is told who may', () =>
  withKamailioOfKamuser(async (_, as) =>
    assertCall(
      await as(65_534, 'monitor'),
      1,
      /control plane: no permission to write to the FIFO \S+; call the agent as root or as Kamailio's account/,
    ),
  ),
);

needsRoot('anybody who may write to the FIFO is told who may ask', () =>
  withKamailioOfKamuser(async (instance, as) => {
    chmodSync(instance.fifo, 0o666);
    assertCall(await as(65_534, 'monitor'), 1, /control plane: no permission to give Kamailio /);
  }),
);

needsRoot('no action of an ordinary user ends with an internal error', () =>
  withKamailioOfKamuser(async (instance, as) => {
    for (const gid of [KAMAILIO.gid, 65_534]) {
      for (const action of ['monitor', 'diagnose', 'validate-all', 'reload-agent', 'start', 'stop']) {
        for (const level of action === 'monitor' ? ['0', '10', '20'] : ['10']) {
          const { stdout, stderr, code } = await as(gid, action, level);
          assert.not.match(stdout + stderr, /internal error|at \w+ \(/, `${action} ${level}: ${code}`);
          assert.type(code, 'number');
        }
      }
    }
    assert.ok(instance.pids().length > 0, 'nothing of another account was touched');
  }),
);

needsRoot('a start and a stop that may not signal what runs say so, and name the process', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const { agent, path, uid, gid } = ordinaryUser(instance.directory);
    const options = { agent, uid, gid, env: { PATH: path } };
    const refused = /no permission to signal Kamailio's process \d+ \(pidfile \S+\); call the agent as root/;
    assertCall(await call(instance, 'stop', {}, options), 4, refused);
    signalAll([instance.mainPid()], 'SIGKILL');
    await until(() => ['', 'Z'].includes(stateOf(instance.mainPid())), 'the main process is dead');
    assert.ok(instance.pids().length > 0);
    const started = await call(instance, 'start', { kamctlrc: '' }, options);
    assert.not.match(started.stderr, /internal error/);
    assertCall(started, 1, refused);
  }),
);

needsRoot('a directory of the usual FIFO into which only its owner may look is no fault of kamctlrc', () =>
  withKamailioOfKamuser(async (instance, as) => {
    // Whoever may not look into it cannot see whether it holds a FIFO.
    writeFileSync(instance.kamctlrc, '# nothing\n');
    const closed = '/run/kamailio';
    const isOurs = !existsSync(closed);
    if (isOurs) spawnSync('mkdir', ['-m', '700', closed]);
    try {
      const { reason, code } = await as(65_534, 'monitor');
      assert.is(code, 1);
      assert.match(reason, /control plane: .*\/run\/kamailio\/kamailio_rpc\.fifo/);
      if (isOurs) assert.match(reason, /no permission to write to the FIFO/);
    } finally {
      if (isOurs) rmSync(closed, { recursive: true });
    }
  }),
);

const hasStrace = spawnSync('strace', ['-V']).status === 0;

(isRoot && hasStrace ? test : test.skip)(
  "root makes no FIFO in a directory that anybody may write to: mkfifo runs as Kamailio's account",
  () =>
    withKamailioOfKamuser(async (instance) => {
      rmSync(instance.spareFifo);
      const calls = 'mknod,mknodat,setuid,chown,fchown,lchown,fchownat,chmod,fchmodat';
      const { code, text } = await traceAction(instance, 'monitor', calls);
      assert.is(code, 0, text);
      const [, pid] = /^(\d+) +mknod(?:at)?\(.*kamailio_ocf_.*S_IFIFO.* = 0$/m.exec(text) ?? [];
      assert.ok(pid, text);
      assert.match(text, new RegExp(`^${pid} +setuid\\(${KAMAILIO.uid}\\) += 0$`, 'm'));
      assert.not.match(text, /^\d+ +(?:f?chown|lchown|fchownat|chmod|fchmodat)\(/m);
    }),
);

(canMount ? test : test.skip)(
  'a mkfifo that hangs holds a monitor up no longer than a poll may take (needs mount namespaces)',
  () =>
    withInstance({}, async (instance) => {
      assertCall(await call(instance, 'start'), 0);
      rmSync(instance.spareFifo);
      const hang = join(instance.directory, 'hang');
      writeFileSync(hang, '#!/bin/sh\nexec sleep 1000\n', { mode: 0o755 });
      const agent = agentWithMounts(instance.directory, `mount --bind ${hang} $(realpath /usr/bin/mkfifo)`);
      const limitMs = 20_000;
      const params = { probe_timeout: '1', CRM_meta_timeout: '60000' };
      assertCall(
        await call(instance, 'monitor', params, { agent, limitMs }),
        1,
        /control plane: the FIFO for the reply cannot be made in \/tmp \(ETIMEDOUT\)/,
      );
    }),
);

test.run();
