import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { account } from '../support/ordinary-user.ts';

/** What `crm resource trace` makes the executor pass, for a directory. */
const traced = (trace_dir: string) => ({ trace_ra: '1', trace_dir });
const ENV = { OCF_RESOURCE_TYPE: 'kamailio' };

async function withDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync('/run/ocf-kamailio-trace-');
  chmodSync(directory, 0o755);
  try {
    await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The traces in a directory, by action. */
function tracesIn(directory: string): Map<string, string> {
  const names = readdirSync(join(directory, 'kamailio')).sort();
  return new Map(
    names.map((name) => {
      const [, action = ''] =
        /^ocfk_test\.([a-z-]+)\.\d{4}-\d\d-\d\d\.\d\d:\d\d:\d\d$/.exec(name) ??
        assert.unreachable(name) ??
        [];
      return [action, readFileSync(join(directory, 'kamailio', name), 'utf8')];
    }),
  );
}

test('start, monitor and stop write what they saw and decided, with times, each to a file that crmsh finds', async () => {
  await withDirectory(async (directory) => {
    await withInstance({}, async (instance) => {
      const pid = () => instance.mainPid();
      assertCall(await call(instance, 'start', traced(directory), { env: ENV }), 0);
      assertCall(await call(instance, 'monitor', traced(directory), { env: ENV }), 0);
      const main = pid();
      assertCall(await call(instance, 'stop', traced(directory), { env: ENV }), 0);
      const traces = tracesIn(directory);
      assert.equal([...traces.keys()].sort(), ['monitor', 'start', 'stop']);
      const monitor = traces.get('monitor') ?? '';
      for (const line of monitor.trimEnd().split('\n')) assert.match(line, /^\d\d:\d\d:\d\d\.\d{3} \S/);
      assert.match(monitor, new RegExp(`main process ${main} `));
      assert.match(monitor, `polled udp:127.0.0.1:${instance.port}: 200 after`);
      assert.match(monitor, /control plane: answers/);
      assert.match(monitor, /exit code 0/);
      assert.match(traces.get('start') ?? '', /launching \/usr\/sbin\/kamailio/);
      assert.match(traces.get('stop') ?? '', /processes found: \d+, left: none/);
      const [name = ''] = readdirSync(join(directory, 'kamailio'));
      assert.is(statSync(join(directory, 'kamailio', name)).mode & 0o777, 0o600);
    });
  });
});

test('a failure is traced with its code and reason, and no password or line of a SIP reply is', async () => {
  await withDirectory(async (directory) => {
    const route = 'append_to_reply("X-Secret: header-of-the-reply\\r\\n"); sl_send_reply("500", "Broken");';
    await withInstance({ route }, async (instance) => {
      const secret = {
        extra_options: '-A "DB=mysql://user:pa55word@db/x"',
        environment: 'DB_PASSWORD=pa55word',
      };
      const params = { ...secret, ...traced(directory), probe_timeout: '1', proto: 'udp' };
      const started = await call(instance, 'start', params, {
        env: { ...ENV, OCF_RESKEY_CRM_meta_timeout: '8000' },
      });
      assertCall(started, 1, /500/);
      const trace = tracesIn(directory).get('start') ?? '';
      assert.match(trace, /exit code 1: .*500 Broken/);
      assert.match(trace, /extra_options: \d+ characters/);
      assert.not.match(trace, /pa55word|header-of-the-reply/);
    });
  });
});

test('nothing is written without trace_ra, and a descriptor or a file that is named gets the trace', async () => {
  await withDirectory(async (directory) => {
    await withInstance({}, async (instance) => {
      assertCall(await call(instance, 'monitor', { trace_dir: directory }, { env: ENV }), 7);
      assert.equal(readdirSync(directory), []);
      const file = join(directory, 'own', 'trace');
      const env = { ...ENV, OCF_TRACE_RA: 'yes', OCF_TRACE_FILE: file };
      assertCall(await call(instance, 'monitor', {}, { env }), 7);
      assert.match(readFileSync(file, 'utf8'), /exit code 7: not running/);
    });
  });
});

test('a trace_dir that a stranger owns, or that is a link, is refused in the log, and the monitor goes on', async () => {
  const { uid, gid } = account('nobody');
  await withDirectory(async (directory) => {
    const [stranger, link, open] = ['stranger', 'link', 'open'].map((name) => join(directory, name));
    if (!stranger || !link || !open) throw new Error('three names');
    for (const path of [stranger, open]) mkdirSync(path);
    chownSync(stranger, uid, gid);
    chmodSync(open, 0o777);
    const target = join(directory, 'target');
    mkdirSync(target);
    symlinkSync(target, link);
    await withInstance({}, async (instance) => {
      assertCall(await call(instance, 'start'), 0);
      for (const path of [stranger, link, open]) {
        const result = await call(instance, 'monitor', traced(path), { env: ENV });
        assertCall(result, 0);
        assert.match(result.stderr, /WARNING: trace_ra is set, but no trace is written: /);
        assert.equal(readdirSync(path), []);
      }
    });
  });
});

test('a file or link that waits under the name of a trace is not written to, and hostile names lead nowhere', async () => {
  await withDirectory(async (directory) => {
    const file = join(directory, 'trace');
    const target = join(directory, 'target');
    symlinkSync(target, file);
    await withInstance({}, async (instance) => {
      const env = { ...ENV, OCF_TRACE_RA: '1', OCF_TRACE_FILE: file };
      const result = await call(instance, 'monitor', {}, { env });
      assertCall(result, 7);
      assert.match(result.stderr, /no trace is written: .*ELOOP/);
      const hostile = { OCF_RESOURCE_TYPE: '../..', OCF_RESOURCE_INSTANCE: 'ocfk_test' };
      const second = await call(instance, 'monitor', traced(directory), { env: hostile });
      assert.match(second.stderr, /cannot be the name of a trace/);
      assert.is(spawnSync('ls', [target]).status, 2);
    });
  });
});

test.run();
