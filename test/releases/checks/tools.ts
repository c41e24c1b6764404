import { existsSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { PARAMETER_NAMES } from '../../../src/interface/parameters.ts';
import { run } from '../../conformity/support.ts';
import { processesOf } from '../../health/support.ts';
import { AGENT, callAgent } from '../../support/agent.ts';
import { assertCall, call, withInstance } from '../../support/calls.ts';
import { exchange } from '../../support/exchange.ts';
import type { TestInstance } from '../../support/instance.ts';
import { account } from '../../support/ordinary-user.ts';
import { signalAll } from '../../support/processes.ts';
import type { Check } from './check.ts';

/** The schema of OCF 1.1; that of 1.0 knows no reloadable parameters. */
const SCHEMA = '/usr/share/pcs/data/ocf-1.1.rng';

/** What the agent has to do with on each release: the shell agent and the tools. */
export const TOOLS: readonly Check[] = [
  {
    name: 'the shell agent and ours take an instance over from each other',
    run: () => withInstance({}, exchange),
  },
  {
    name: 'the same with kamuser and kamgroup',
    run: () =>
      withInstance(
        { ...account('kamailio'), params: { kamuser: 'kamailio', kamgroup: 'kamailio' } },
        exchange,
      ),
  },
  {
    name: 'monitor_tools=external polls with sipsak and kamctl',
    run: () =>
      withInstance({ config: 'loadmodule "tm.so"\nloadmodule "tmx.so"\nloadmodule "usrloc.so"' }, external),
  },
  { name: 'ocf-tester passes', run: () => withInstance({}, ocfTester) },
  { name: 'pcs and crm describe every parameter', run: described },
  {
    name: 'the metadata is valid by the schema of OCF 1.1',
    whyNot: () => (existsSync(SCHEMA) ? undefined : 'pcs has the schema of OCF 1.0'),
    run: validMetadata,
  },
];

async function external(instance: TestInstance): Promise<void> {
  const params = { monitor_tools: 'external', probe_timeout: '3' };
  assertCall(await call(instance, 'start', params), 0);
  assertCall(await call(instance, 'monitor', params), 0);
  const rpc = await processesOf(instance, /^JSONRPCS FIFO/);
  signalAll(rpc, 'SIGSTOP');
  assertCall(await call(instance, 'monitor', params), 1, /control plane: /);
  signalAll(rpc, 'SIGCONT');
  assertCall(await call(instance, 'stop', params), 0);
}

async function ocfTester(instance: TestInstance): Promise<void> {
  const options = Object.entries(instance.params).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const { code, output } = await run('ocf-tester', ['-v', '-n', 'ocfk_tester', ...options, AGENT]);
  assert.is(code, 0, output);
  assert.match(output, /passed all tests/);
}

async function described(): Promise<void> {
  for (const words of [
    ['pcs', 'resource', 'describe', 'ocf:heartbeat:kamailio', '--full'],
    ['crm', 'ra', 'info', 'ocf:heartbeat:kamailio'],
  ]) {
    const [tool = '', ...args] = words;
    const { code, output } = await run(tool, args);
    assert.is(code, 0, output);
    for (const name of PARAMETER_NAMES)
      assert.match(output, new RegExp(`^ *${name}\\b`, 'm'), `${tool} shows no ${name}: ${output}`);
  }
}

async function validMetadata(): Promise<void> {
  const { stdout } = await callAgent('meta-data');
  const { code, output } = await run('xmllint', ['--noout', '--relaxng', SCHEMA, '-'], stdout);
  assert.is(code, 0, output);
}
