import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SHELL_AGENT } from './support/agent.ts';
import { assertCall, call, withInstance } from './support/calls.ts';
import type { InstanceOptions, TestInstance } from './support/instance.ts';
import { account } from './support/ordinary-user.ts';
import { commandLine, processesNaming } from './support/processes.ts';

/** The shell agent's loops know no end of their own: what takes longer has hung. */
const HANGS_MS = 45_000;

/** Calls the shell agent; its kamctl finds this instance's FIFO in the .kamctlrc of its home. */
function callShellAgent(instance: TestInstance, action: string) {
  writeFileSync(join(instance.directory, '.kamctlrc'), `RPCFIFOPATH="${instance.fifo}"\n`);
  const params = { kamctl: '/usr/sbin/kamctl', monitoring_ip: '127.0.0.1' };
  const env = { HOME: instance.directory };
  return call(instance, action, params, { agent: SHELL_AGENT, env, limitMs: HANGS_MS });
}

/** The command lines of the main process and of all its children, once each. */
function commandLines(instance: TestInstance): string[] {
  const lines = [...processesNaming(instance.pidfile).values()].map((words) => JSON.stringify(words));
  return [...new Set(lines)];
}

function assertGone(instance: TestInstance): void {
  assert.equal([...processesNaming(instance.pidfile)], []);
  assert.not(existsSync(instance.pidfile));
}

/** Has the instance started by each agent, and monitored and stopped by the other. */
async function exchange(instance: TestInstance): Promise<void> {
  const started = await callShellAgent(instance, 'start');
  assert.is(started.code, 0, `the shell agent starts it: ${started.stderr}`);
  const theirs = commandLine(instance.mainPid());
  assert.is(theirs[0], '/usr/sbin/kamailio');
  assert.is(commandLines(instance).length, 1);
  assertCall(await call(instance, 'monitor'), 0);
  const pid = instance.mainPid();
  assertCall(await call(instance, 'start'), 0);
  assert.is(instance.mainPid(), pid, 'what the shell agent started is running already');
  assertCall(await call(instance, 'stop'), 0);
  assertGone(instance);
  assert.is((await callShellAgent(instance, 'monitor')).code, 7, 'the shell agent sees it gone');

  assertCall(await call(instance, 'start'), 0);
  assert.equal(commandLine(instance.mainPid()), theirs, 'word for word the same command line');
  assert.is(commandLines(instance).length, 1);
  const monitored = await callShellAgent(instance, 'monitor');
  assert.is(monitored.code, 0, `the shell agent monitors it: ${monitored.stderr}`);
  const stopped = await callShellAgent(instance, 'stop');
  assert.is(stopped.code, 0, `the shell agent stops it: ${stopped.stderr}`);
  assertGone(instance);
  assertCall(await call(instance, 'monitor'), 7, /^not running: /);
}

for (const proto of ['udp', 'tcp', 'udptcp']) {
  test(`an instance changes hands between the agents both ways with proto=${proto}`, () =>
    withInstance({ params: { proto } }, exchange));
}

const OTHERS: readonly (readonly [string, InstanceOptions])[] = [
  ['kamuser', { ...account('kamailio'), params: { kamuser: 'kamailio' } }],
  ['kamuser and kamgroup', { ...account('kamailio'), params: { kamuser: 'kamailio', kamgroup: 'kamailio' } }],
  ['extra_options', { params: { extra_options: '-m 32 -M 4 -A OCF_TEST' } }],
  [
    'listen lines in the configuration',
    { params: { proto: 'conf_udp' }, config: (port) => `listen=udp:127.0.0.1:${port}` },
  ],
  ['the default pidfile', { resource: `ocfk_exchange_${process.pid}` }],
];

for (const [what, options] of OTHERS) {
  test(`an instance changes hands between the agents both ways with ${what}`, () =>
    withInstance(options, exchange));
}

test.run();
