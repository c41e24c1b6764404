import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AGENT, type CallOptions } from '../support/agent.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import type { TestInstance } from '../support/instance.ts';
import { processesNaming, withProgram } from '../support/processes.ts';
import { traceAction } from '../support/trace.ts';

const canMount =
  spawnSync('unshare', ['--mount', 'mount', '--bind', '/proc/1/stat', '/proc/1/status']).status === 0;

/** An agent that sees other contents in /proc/PID/status: in a mount namespace of its own. */
function seeing(instance: TestInstance, change: (status: string) => string): CallOptions {
  const mounts = instance.pids().map((pid) => {
    const file = join(instance.directory, `status-${pid}`);
    writeFileSync(file, change(readFileSync(`/proc/${pid}/status`, 'utf8')));
    return `mount --bind ${file} /proc/${pid}/status`;
  });
  const script = join(instance.directory, 'agent');
  writeFileSync(script, `#!/bin/sh\nset -e\n${mounts.join('\n')}\nexec ${AGENT} "$@"\n`);
  const wrapper = join(instance.directory, 'wrapper');
  writeFileSync(wrapper, `#!/bin/sh\nexec unshare --mount /bin/sh ${script} "$@"\n`);
  chmodSync(wrapper, 0o755);
  return { agent: wrapper };
}

(canMount ? test : test.skip)(
  'a kernel that tells nothing of PID namespaces has processes of ours only (needs a mount namespace)',
  () =>
    withInstance({}, async (instance) => {
      assertCall(await call(instance, 'start'), 0);
      const inside = seeing(instance, (status) => status.replace(/^NSpid:.*\n/m, ''));
      assertCall(await call(instance, 'monitor', {}, inside), 0);
      const container = seeing(instance, (status) => status.replace(/^NSpid:.*$/m, '$&\t1'));
      assertCall(await call(instance, 'monitor', {}, container), 7, /another program \(left alone\)/);
      const ours = seeing(instance, (status) => status.replace(/^NSpid:.*\n/m, ''));
      assertCall(await call(instance, 'stop', {}, ours), 0);
      assert.equal([...processesNaming(instance.pidfile)], []);
    }),
);

test('only of processes that run Kamailio is the command line read, which can hang with a process', () =>
  withInstance({}, (instance) =>
    // Its arguments are those of the instance; it is not Kamailio, so nobody needs to know.
    withProgram(
      process.execPath,
      ['-e', 'setInterval(() => {}, 2 ** 30)', '--', '-P', instance.pidfile],
      {},
      async (other) => {
        assertCall(await call(instance, 'start'), 0);
        const pids = instance.pids();
        const main = instance.mainPid();
        const read = async (action: string, code: number) => {
          const trace = await traceAction(instance, action, 'open,openat');
          assert.is(trace.code, code);
          return [...trace.text.matchAll(/"\/proc\/(\d+)\/cmdline"/g)].map(([, pid]) => Number(pid));
        };
        assert.equal(await read('monitor', 0), [main]);
        writeFileSync(instance.pidfile, `${other.pid}\n`);
        assert.not((await read('monitor', 1)).includes(other.pid));
        rmSync(instance.pidfile);
        const searched = await read('monitor', 1);
        assert.not(searched.includes(other.pid));
        assert.not(searched.includes(process.pid));
        for (const pid of pids) assert.ok(searched.includes(pid));
        assert.not((await read('stop', 0)).includes(other.pid));
        assert.is(other.ended(), undefined);
      },
    ),
  ));

test.run();
