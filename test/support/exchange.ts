import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { SHELL_AGENT } from './agent.ts';
import { assertCall, call } from './calls.ts';
import type { TestInstance } from './instance.ts';
import { commandLine, processesNaming } from './processes.ts';

/** The shell agent's loops know no end of their own: what takes longer has hung. */
const HANGS_MS = 45_000;

/** Has the instance started by each agent, and monitored and stopped by the other. */
export async function exchange(instance: TestInstance): Promise<void> {
  const started = await callShellAgent(instance, 'start');
  assert.is(started.code, 0, `the shell agent starts it: ${started.stderr}`);
  // Debian 13 has the su of the shell agent take a login's umask, by which the group may write to the pidfile. Ours keeps
  // the caller's.
  const theirs = looks(instance, 0o020);
  assert.is(commandLine(instance.mainPid())[0], '/usr/sbin/kamailio');
  assert.is(commandLines(instance).length, 1);
  assertCall(await call(instance, 'monitor'), 0);
  const pid = instance.mainPid();
  assertCall(await call(instance, 'start'), 0);
  assert.is(instance.mainPid(), pid, 'what the shell agent started is running already');
  assertCall(await call(instance, 'stop'), 0);
  assertGone(instance);
  assert.is((await callShellAgent(instance, 'monitor')).code, 7, 'the shell agent sees it gone');

  assertCall(await call(instance, 'start'), 0);
  assert.equal(looks(instance), theirs, 'the same command line word for word, the same account and files');
  assert.is(commandLines(instance).length, 1);
  const monitored = await callShellAgent(instance, 'monitor');
  assert.is(monitored.code, 0, `the shell agent monitors it: ${monitored.stderr}`);
  const stopped = await callShellAgent(instance, 'stop');
  assert.is(stopped.code, 0, `the shell agent stops it: ${stopped.stderr}`);
  assertGone(instance);
  assertCall(await call(instance, 'monitor'), 7, /^not running: /);
}

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

/** What a process of Kamailio may do, and what it finds in its environment, as far as su(1) sets it. */
function standing(pid: number): Readonly<Record<string, string>> {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const env = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  const rights = ['Uid', 'Gid', 'Groups', 'CapPrm', 'CapEff', 'CapAmb', 'NoNewPrivs'].map(
    (name) => [name, new RegExp(`^${name}:\\s*(.*?)\\s*$`, 'm').exec(status)?.[1] ?? ''] as const,
  );
  const account = ['HOME', 'USER', 'LOGNAME'].map(
    (name) => [name, env.find((line) => line.startsWith(`${name}=`)) ?? ''] as const,
  );
  return Object.fromEntries([...rights, ...account]);
}

/**
 * What both agents must agree in: the command line word for word, the account, and whose the files are, the rights
 * `notInPidfile` left out.
 */
function looks(instance: TestInstance, notInPidfile = 0): unknown {
  const pid = instance.mainPid();
  const files = [instance.pidfile, instance.fifo].map((path) => {
    const { uid, gid, mode } = lstatSync(path);
    return { path, uid, gid, mode: path === instance.pidfile ? mode & ~notInPidfile : mode };
  });
  return {
    cmdline: readFileSync(`/proc/${pid}/cmdline`, 'utf8'),
    // Without kamuser the environment is the caller's, and each agent has a home of its own here.
    ...(instance.params.kamuser && { standing: standing(pid) }),
    files,
  };
}

function assertGone(instance: TestInstance): void {
  assert.equal([...processesNaming(instance.pidfile)], []);
  assert.not(existsSync(instance.pidfile));
}
