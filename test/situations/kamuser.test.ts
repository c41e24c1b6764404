import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AGENT } from '../support/agent.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import type { TestInstance } from '../support/instance.ts';
import { agentWithMounts, canMount } from '../support/mounts.ts';
import { account } from '../support/ordinary-user.ts';
import { commandLine } from '../support/processes.ts';
import { traceAction } from '../support/trace.ts';

const NOBODY = account('nobody');
const KAMAILIO = account('kamailio');
const AS_NOBODY = { ...NOBODY, params: { kamuser: 'nobody' } };

/** The agent on a node without setpriv: something that cannot be executed is in its place. */
function withoutSetpriv({ directory }: TestInstance): string {
  return agentWithMounts(directory, 'mount --bind /dev/null /usr/bin/setpriv');
}

/** Uid, Gid or Groups of a process (proc(5)): the numbers behind the name. */
function numbersOf(pid: number, name: 'Uid' | 'Gid' | 'Groups'): number[] {
  const line = new RegExp(`^${name}:\\t(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (line ?? '').trim().split(/\s+/).filter(Boolean).map(Number);
}

(canMount ? test : test.skip)(
  'a node without setpriv cannot start an instance with kamuser, but monitors and stops it',
  () =>
    withInstance(AS_NOBODY, async (instance) => {
      const agent = withoutSetpriv(instance);
      for (const action of ['validate-all', 'start']) {
        assertCall(
          await call(instance, action, {}, { agent }),
          5,
          /no setpriv .*nobody; install the package util-linux$/,
        );
      }
      assert.equal(instance.pids(), []);
      assertCall(
        await call(instance, 'validate-all', { kamuser: 'root' }, { agent }),
        4,
        /belongs to another account/,
      );
      assertCall(await call(instance, 'start'), 0);
      assertCall(await call(instance, 'monitor', {}, { agent }), 0);
      assertCall(await call(instance, 'stop', {}, { agent }), 0);
      assert.not(existsSync(instance.pidfile));
    }),
);

test('a root that may not change accounts, such as that of a container, says so: the configuration is not to blame', () =>
  withInstance(AS_NOBODY, async (instance) => {
    const agent = join(instance.directory, 'without-setuid');
    const refusal = '-e trace=setresuid -e inject=setresuid:error=EPERM';
    const line = `exec strace -f --seccomp-bpf -qq -o /dev/null ${refusal} '${AGENT}' "$@"`;
    writeFileSync(agent, `#!/bin/sh\n${line}\n`, { mode: 0o755 });
    for (const action of ['validate-all', 'start']) {
      const reason = /^setpriv cannot start \S+ as nobody \(.*not permitted\); .*CAP_SETUID/;
      assertCall(await call(instance, action, {}, { agent }), 4, reason);
    }
    assert.equal(instance.pids(), []);
  }));

test('kamuser may be a number, kamgroup any group: Kamailio is in it from the first moment', () =>
  withInstance({ ...NOBODY, gid: account('daemon').gid }, async (instance) => {
    const params = { kamuser: String(NOBODY.uid), kamgroup: 'daemon' };
    assertCall(await call(instance, 'start', params), 0);
    const { gid } = account('daemon');
    for (const pid of instance.pids()) {
      assert.equal(numbersOf(pid, 'Uid'), Array(4).fill(NOBODY.uid));
      assert.equal(numbersOf(pid, 'Gid'), Array(4).fill(gid));
      assert.not(numbersOf(pid, 'Groups').includes(0), "root's groups are not handed on");
    }
    assert.equal(commandLine(instance.mainPid()).slice(-4), ['-u', String(NOBODY.uid), '-g', 'daemon']);
    assert.is(lstatSync(instance.pidfile).gid, gid);
    assertCall(await call(instance, 'monitor', params), 0);
    assertCall(await call(instance, 'stop', params), 0);
  }));

test('a healthy monitor does not look kamuser up: a directory service would have to be asked each time', () =>
  withInstance(AS_NOBODY, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const { code, text } = await traceAction(instance, 'monitor', 'openat,execve');
    assert.is(code, 0);
    assert.match(text, instance.pidfile);
    assert.not.match(text, /\/etc\/passwd|getent/);
    assertCall(await call(instance, 'stop'), 0);
  }));

test('kamuser=root needs no change of accounts', () =>
  withInstance({}, async (instance) => {
    const params = { kamuser: 'root' };
    assertCall(await call(instance, 'start', params), 0);
    assert.equal(numbersOf(instance.mainPid(), 'Uid'), [0, 0, 0, 0]);
    assertCall(await call(instance, 'stop', params), 0);
  }));

test('what version 1.0.0 started as root with kamuser is monitored, stopped and started anew, its FIFO in a sticky directory', () => {
  const config = (_port: number, directory: string) =>
    `modparam("jsonrpcs", "fifo_name", "${directory}/tmp/rpc.fifo")`;
  return withInstance({ ...KAMAILIO, params: { kamuser: 'kamailio' }, config }, async (instance) => {
    const tmp = join(instance.directory, 'tmp');
    const fifo = join(tmp, 'rpc.fifo');
    mkdirSync(tmp);
    chmodSync(tmp, 0o1777);
    for (const path of [instance.directory, tmp]) chownSync(path, 0, 0);
    writeFileSync(instance.kamctlrc, `RPCFIFOPATH="${fifo}"\n`);
    assertCall(await call(instance, 'start'), 0);
    const [binary = '', ...words] = commandLine(instance.mainPid());
    assertCall(await call(instance, 'stop'), 0);

    // As 1.0.0 did: root itself, and Kamailio's -u takes effect after its files are made.
    assert.is(spawnSync(binary, words, { stdio: 'ignore' }).status, 0);
    assert.is(lstatSync(fifo).uid, 0);
    assertCall(await call(instance, 'monitor'), 0);
    assertCall(await call(instance, 'start'), 0);
    assert.is(lstatSync(fifo).uid, 0, 'the same Kamailio runs on');
    assertCall(await call(instance, 'stop'), 0);
    assert.equal(instance.pids(), []);
    assert.not(existsSync(instance.pidfile));
    assert.ok(existsSync(fifo), 'kamuser could not remove it');

    assertCall(await call(instance, 'start'), 0);
    assert.is(lstatSync(fifo).uid, KAMAILIO.uid);
    assertCall(await call(instance, 'monitor'), 0);
    assertCall(await call(instance, 'stop'), 0);
  });
});

test.run();
