import { linkSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { callAgent } from '../support/agent.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { traceAction } from '../support/trace.ts';

/** Runs `body` with a directory of its own for log files. */
async function withDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync('/tmp/ocf-kamailio-test-log-');
  try {
    await body(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test('the files of HA_LOGFILE and HA_DEBUGLOG get every message, a line each', async () => {
  await withDirectory(async (directory) => {
    const env = { HA_LOGFILE: join(directory, 'log'), HA_DEBUGLOG: join(directory, 'debug') };
    await withInstance({}, async (instance) => {
      assertCall(await call(instance, 'start', {}, { env }), 0);
      assertCall(await call(instance, 'monitor', {}, { env }), 0);
      assertCall(await call(instance, 'stop', {}, { env }), 0);
      assertCall(await call(instance, 'monitor', {}, { env }), 7);
    });
    for (const file of Object.values(env)) {
      const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
      assert.is(lines.length, 3, lines.join('\n'));
      assert.match(lines[0] ?? '', /^kamailio\(ocfk_test\)\[\d+\]:\t.* INFO: Kamailio is started/);
      assert.match(lines[1] ?? '', /INFO: Kamailio is stopped/);
      assert.match(lines[2] ?? '', /ERROR: not running/);
    }
  });
});

test('a link in the place of a log file is not followed', async () => {
  await withDirectory(async (directory) => {
    const target = join(directory, 'target');
    writeFileSync(target, '');
    symlinkSync(target, join(directory, 'log'));
    const result = await callAgent('validate-all', {}, { env: { HA_LOGFILE: join(directory, 'log') } });
    assertCall(result, 6);
    assert.is(readFileSync(target, 'utf8'), '');
  });
});

test('a log file with a second name, which may be any file of the node, gets no line', async () => {
  await withDirectory(async (directory) => {
    const target = join(directory, 'target');
    writeFileSync(target, '');
    linkSync(target, join(directory, 'log'));
    assertCall(await callAgent('validate-all', {}, { env: { HA_LOGFILE: join(directory, 'log') } }), 6);
    assert.is(readFileSync(target, 'utf8'), '');
  });
});

test('logger is started only when there is something to say, and gets its words as they are', () =>
  withInstance({}, async (instance) => {
    const env = { HA_LOGFACILITY: 'daemon' };
    assertCall(await call(instance, 'start'), 0);
    const healthy = await traceAction(instance, 'monitor', 'execve', env);
    assert.not.match(healthy.text, /logger/);
    const failing = await traceAction(instance, 'monitor', 'execve', { ...env, OCF_RESKEY_port: '1' });
    assert.match(
      failing.text,
      /execve\("\/usr\/bin\/logger", \["\/usr\/bin\/logger", "-p", "daemon.err", "-t", "kamailio\(/,
    );
    const off = await traceAction(instance, 'monitor', 'execve', {
      HA_LOGFACILITY: 'none',
      OCF_RESKEY_port: '1',
    });
    assert.not.match(off.text, /logger/);
  }));

test('the last line of a stop reaches logger, which the agent does not wait for', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const stop = await traceAction(instance, 'stop', 'execve', { HA_LOGFACILITY: 'daemon' });
    const [, pid = ''] =
      /^(\d+) +execve\("\/usr\/bin\/logger", \[.*"daemon.info", .*"Kamailio is stopped: /m.exec(stop.text) ??
      [];
    assert.match(stop.text, new RegExp(`^${pid} +\\+\\+\\+ exited with \\d`, 'm'));
  }));

test('control characters of foreign text reach no log', async () => {
  await withInstance({ route: 'sl_send_reply("486", "Busy\\x1b[2J\\x07evil");' }, async (instance) => {
    const result = await call(instance, 'start', { CRM_meta_timeout: '4000' });
    assertCall(result, 1);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there.
    assert.not.match(result.stderr, /[\x00-\x09\x0b-\x1f\x7f]/);
  });
});

test.run();
