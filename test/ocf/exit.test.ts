import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { callAgent } from '../support/agent.ts';

const NOWHERE = { listen_address: '127.0.0.1', kamctlrc: '', pidfile: '/nonexistent/kamailio.pid' };

function reasonLines(stderr: string, prefix = 'ocf-exit-reason:'): string[] {
  return stderr.split('\n').filter((line) => line.startsWith(prefix));
}

test('a call without an action ends with 2 and names the actions', async () => {
  const call = await callAgent(undefined);
  assert.is(call.code, 2);
  assert.match(call.reason, /start, stop, monitor/);
});

test('an empty action is no action', async () => {
  assert.is((await callAgent('')).code, 2);
});

test('an action that the agent does not have ends with 3 and is named', async () => {
  for (const action of ['migrate_to', 'promote', 'START', 'constructor', '__proto__', 'toString']) {
    const call = await callAgent(action);
    assert.is(call.code, 3, action);
    assert.ok(call.reason.includes(`"${action}"`), call.reason);
  }
});

test('the action may come as __OCF_ACTION, but the first word goes before it', async () => {
  const fromEnv = await callAgent(undefined, {}, { env: { __OCF_ACTION: 'meta-data' } });
  assert.is(fromEnv.code, 0);
  assert.match(fromEnv.stdout, /<resource-agent/);
  assert.is((await callAgent('nonsense', {}, { env: { __OCF_ACTION: 'meta-data' } })).code, 3);
});

test('words behind the action are ignored', async () => {
  const call = await callAgent('meta-data', {}, { args: ['more', 'words', '0'] });
  assert.is(call.code, 0);
  assert.is(call.stderr, '');
});

test('status is monitor', async () => {
  assert.is((await callAgent('status', NOWHERE)).code, 7);
  assert.is((await callAgent('monitor', NOWHERE)).code, 7);
});

test('notify succeeds and says nothing, whatever the parameters hold', async () => {
  const call = await callAgent('notify', { port: 'x' });
  assert.equal([call.code, call.stdout, call.stderr], [0, '', '']);
});

test('every failure gives exactly one exit reason', async () => {
  const failures: [string | undefined, Record<string, string>, number][] = [
    [undefined, {}, 2],
    ['nothing', {}, 3],
    ['start', {}, 6],
    ['monitor', {}, 7],
    ['validate-all', {}, 6],
    ['monitor', NOWHERE, 7],
    ['validate-all', { ...NOWHERE, binary: '/nonexistent/kamailio' }, 5],
    ['start', { ...NOWHERE, conffile: '/nonexistent/kamailio.cfg' }, 5],
    ['validate-all', { ...NOWHERE, port: '70000' }, 6],
  ];
  for (const [action, params, code] of failures) {
    const call = await callAgent(action, params);
    assert.is(call.code, code, `${action} ${JSON.stringify(params)}`);
    assert.is(reasonLines(call.stderr).length, 1, call.stderr);
    assert.ok(call.reason.length > 10, call.stderr);
  }
});

test('the prefix of the reason is the one that the executor asks for', async () => {
  const call = await callAgent('start', {}, { env: { OCF_EXIT_REASON_PREFIX: 'my-reason>' } });
  assert.is(call.code, 6);
  assert.is(reasonLines(call.stderr, 'my-reason>').length, 1, call.stderr);
  assert.is(reasonLines(call.stderr).length, 0, call.stderr);
  const empty = await callAgent('start', {}, { env: { OCF_EXIT_REASON_PREFIX: '' } });
  assert.is(reasonLines(empty.stderr).length, 1, empty.stderr);
});

test('control characters of an action or a value reach no log', async () => {
  const hostile = 'a\u001b[2J\nocf-exit-reason:forged\rb\u0007\u202eevil\u0085c';
  for (const call of [
    await callAgent(hostile),
    await callAgent('start', { listen_address: hostile }),
    await callAgent('start', { ...NOWHERE, kamuser: hostile }),
    await callAgent('monitor', { listen_address: '127.0.0.1' }, { env: { OCF_RESOURCE_INSTANCE: hostile } }),
    await callAgent('validate-all', {}, { args: [`--${hostile}=1`] }),
  ]) {
    assert.ok([3, 6, 7].includes(call.code ?? -1), String(call.code));
    assert.is(reasonLines(call.stderr).length, 1, call.stderr);
    assert.not.match(call.stderr, /[^\P{Cc}\n]|[\u202a-\u202e]/u);
  }
});

test('a value of 64 KiB makes a reason of a readable length', async () => {
  const call = await callAgent('start', { listen_address: 'x'.repeat(65_536) });
  assert.is(call.code, 6);
  assert.ok(call.stderr.length < 1200, String(call.stderr.length));
});

test('a failed call with HA_debug set fails the same way', async () => {
  for (const level of ['0', '1', '2', 'nonsense']) {
    const call = await callAgent('monitor', NOWHERE, { env: { HA_debug: level } });
    assert.is(call.code, 7);
    assert.is(reasonLines(call.stderr).length, 1, call.stderr);
  }
});

test('version tells the version of package.json, as a word and as a flag', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  for (const call of [await callAgent('version'), await callAgent('--version')]) {
    assert.is(call.code, 0);
    assert.ok(call.stdout.startsWith(`ocf-kamailio ${version} `), call.stdout);
  }
});

test.run();
