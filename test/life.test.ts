import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CallOptions } from './support/agent.ts';
import { assertCall, call, withInstance } from './support/calls.ts';
import type { InstanceOptions, TestInstance } from './support/instance.ts';
import { account, ordinaryUser } from './support/ordinary-user.ts';
import { processesNaming } from './support/processes.ts';

const NOT_RUNNING = /^not running: pidfile .* does not exist, and no process was started with -P /;

/** Takes an instance through its whole life and asserts each step. */
async function live(instance: TestInstance, options: CallOptions = {}): Promise<void> {
  const step = (action: string) => call(instance, action, {}, options);
  assertCall(await step('monitor'), 7, NOT_RUNNING);
  assertCall(await step('start'), 0);
  const pid = instance.mainPid();
  const healthy = await step('monitor');
  assertCall(healthy, 0);
  assert.is(healthy.stdout + healthy.stderr, '', 'a healthy monitor prints nothing');
  assertCall(await step('start'), 0);
  assert.is(instance.mainPid(), pid, 'a second start leaves the main process alone');
  assertCall(await step('stop'), 0);
  assert.equal([...processesNaming(instance.pidfile)], [], 'every process is gone');
  assert.not(existsSync(instance.pidfile), 'the pidfile is gone');
  assertCall(await step('stop'), 0);
  assertCall(await step('monitor'), 7, NOT_RUNNING);
}

/** A default pidfile of a resource that no other test has. */
function resource(name: string): string {
  return `ocfk_${name}_${process.pid}`;
}

async function liveWithDefaultPidfile(name: string, options: InstanceOptions = {}): Promise<void> {
  await withInstance({ ...options, resource: resource(name) }, async (instance) => {
    await live(instance);
    assert.not(existsSync(dirname(instance.pidfile)), 'the default directory is gone');
  });
}

/** The listen lines that take the place of the -l options. */
const listening = (transports: readonly string[]) => (port: number) =>
  transports.map((transport) => `listen=${transport}:127.0.0.1:${port}`).join('\n');

for (const proto of ['udp', 'tcp', 'udptcp']) {
  test(`an instance lives from start to stop with proto=${proto} and the default pidfile`, () =>
    liveWithDefaultPidfile(proto, { params: { proto } }));
}

for (const transports of [['udp'], ['tcp'], ['udp', 'tcp']]) {
  const proto = `conf_${transports.join('')}`;
  test(`an instance lives from start to stop with proto=${proto} and listen lines in its configuration`, () =>
    liveWithDefaultPidfile(proto, { params: { proto }, config: listening(transports) }));
}

for (const proto of ['udp', 'tcp', 'udptcp']) {
  test(`an instance lives from start to stop on an IPv6 address with proto=${proto}`, () =>
    liveWithDefaultPidfile(`v6${proto}`, { params: { proto, listen_address: '::1' } }));
}

test('the brackets around an IPv6 address may be written or left out', () =>
  withInstance({ params: { listen_address: '[::1]', monitoring_ip: '::1' } }, live));

test('an instance lives from start to stop as kamuser, who owns the default directory', async () => {
  const kamailio = account('kamailio');
  const name = resource('kamuser');
  await withInstance({ ...kamailio, resource: name, params: { kamuser: 'kamailio' } }, async (instance) => {
    await live(instance);
    assert.not(existsSync(dirname(instance.pidfile)), 'the default directory is gone');
    assertCall(await call(instance, 'start'), 0);
    const status = readFileSync(`/proc/${instance.mainPid()}/status`, 'utf8');
    assert.match(status, new RegExp(`^Uid:\\t${kamailio.uid}\\t${kamailio.uid}\\t`, 'm'));
    assertCall(await call(instance, 'monitor'), 0);
    assertCall(await call(instance, 'stop'), 0);
  });
});

test('an instance lives from start to stop with kamuser and kamgroup', () =>
  withInstance({ ...account('kamailio'), params: { kamuser: 'kamailio', kamgroup: 'kamailio' } }, live));

test('an instance lives from start to stop as an ordinary user', () =>
  withInstance(account('nobody'), async (instance) => {
    const { uid, gid, agent, path } = ordinaryUser(instance.directory);
    await live(instance, { uid, gid, agent, env: { PATH: path } });
  }));

test('an empty kamctlrc leaves the control plane out', () =>
  withInstance({ params: { kamctlrc: '' } }, live));

test('a Kamailio without a control plane is healthy when kamctlrc is empty', () =>
  withInstance({ config: 'modparam("jsonrpcs", "fifo_name", "")' }, async (instance) => {
    assertCall(await call(instance, 'start', { kamctlrc: '' }), 0);
    assertCall(await call(instance, 'monitor', { kamctlrc: '' }), 0);
    assertCall(await call(instance, 'monitor'), 1, /control plane: the FIFO .* does not exist/);
    assertCall(await call(instance, 'stop', { kamctlrc: '' }), 0);
  }));

test('status is monitor', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'status'), 7, NOT_RUNNING);
    assertCall(await call(instance, 'start'), 0);
    const healthy = await call(instance, 'status');
    assertCall(healthy, 0);
    assert.is(healthy.stdout + healthy.stderr, '');
    assertCall(await call(instance, 'stop'), 0);
  }));

test('notify succeeds and prints nothing', () =>
  withInstance({}, async (instance) => {
    const notified = await call(instance, 'notify');
    assertCall(notified, 0);
    assert.is(notified.stdout + notified.stderr, '');
  }));

test.run();
