import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { processesOf } from '../health/support.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import type { TestInstance } from '../support/instance.ts';
import { signalAll } from '../support/processes.ts';

const NAME = `ocfk-${process.pid}`;
/** An address that the namespace alone has (RFC 5737). */
const ADDRESS = '198.51.100.7';
/** Why there is no namespace on this machine; empty if there can be. */
const WHY_NOT = String(spawnSync('ip', ['netns', 'add', NAME], { encoding: 'utf8' }).stderr ?? 'no ip');
spawnSync('ip', ['netns', 'delete', NAME]);
const namespaceTest = WHY_NOT === '' ? test : test.skip;

/** Runs `body` with a Kamailio that a wrapper is to start in a namespace of its own. */
async function withNamespace(
  body: (instance: TestInstance, params: Readonly<Record<string, string>>) => Promise<void>,
): Promise<void> {
  execFileSync('ip', ['netns', 'add', NAME]);
  try {
    execFileSync('ip', ['-n', NAME, 'link', 'set', 'lo', 'up']);
    execFileSync('ip', ['-n', NAME, 'address', 'add', `${ADDRESS}/32`, 'dev', 'lo']);
    await withInstance({ params: { listen_address: ADDRESS } }, async (instance) => {
      const binary = join(instance.directory, 'kamailio');
      writeFileSync(binary, `#!/bin/sh\nexec ip netns exec ${NAME} /usr/sbin/kamailio "$@"\n`);
      chmodSync(binary, 0o755);
      await body(instance, { binary });
    });
  } finally {
    execFileSync('ip', ['netns', 'delete', NAME]);
  }
}

namespaceTest(
  'a Kamailio in a network namespace of its own is started, polled there, diagnosed and stopped',
  () =>
    withNamespace(async (instance, params) => {
      assertCall(await call(instance, 'start', params), 0);
      for (const level of ['10', '20'])
        assertCall(await call(instance, 'monitor', params, { env: { OCF_CHECK_LEVEL: level } }), 0);
      const { stdout } = await call(instance, 'diagnose', params);
      const namespace = `/proc/${instance.mainPid()}/ns/net`;
      for (const transport of ['udp', 'tcp'])
        assert.ok(
          new RegExp(`ok +${transport}:${ADDRESS}:\\d+ +200 OK .*, in ${namespace}`).test(stdout),
          stdout,
        );
      signalAll(await processesOf(instance, /^udp receiver/), 'SIGSTOP');
      const hung = await call(instance, 'monitor', { ...params, probe_timeout: '1' });
      assertCall(hung, 1, new RegExp(`udp:${ADDRESS}:\\d+: no answer to OPTIONS`));
      assert.not.match(hung.reason, /tcp:/);
      assertCall(await call(instance, 'stop', params), 0);
      assertCall(await call(instance, 'monitor', params), 7);
    }),
);

namespaceTest(
  'a Kamailio of the node itself on the same address does not answer for that in the namespace',
  () =>
    withNamespace(async (instance, params) => {
      const own = { ...params, listen_address: '127.0.0.1' };
      assertCall(await call(instance, 'start', own), 0);
      await withInstance({ params: { port: String(instance.port) } }, async (other) => {
        assertCall(await call(other, 'start'), 0);
        assertCall(await call(instance, 'monitor', own, { env: { OCF_CHECK_LEVEL: '20' } }), 0);
        assertCall(await call(other, 'monitor', {}, { env: { OCF_CHECK_LEVEL: '20' } }), 0);
        signalAll(await processesOf(instance, /^udp receiver/), 'SIGSTOP');
        const hung = await call(instance, 'monitor', { ...own, probe_timeout: '1' });
        assertCall(hung, 1, /udp:127\.0\.0\.1:\d+: no answer to OPTIONS/);
      });
      // The name of the namespace goes while Kamailio lives in it.
      signalAll(await processesOf(instance, /^udp receiver/), 'SIGCONT');
      execFileSync('ip', ['netns', 'delete', NAME]);
      assertCall(await call(instance, 'monitor', own), 0);
      execFileSync('ip', ['netns', 'add', NAME]);
      assertCall(await call(instance, 'stop', own), 0);
    }),
);

test.run();
