import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readParams } from '../../src/params/parse.ts';
import { unknownFlags } from '../../src/params/raw.ts';
import { callAgent } from '../support/agent.ts';
import { invoke, refused } from './support.ts';

const ADDRESS = '--listen_address=192.0.2.10';

test('a flag stands in for a variable, and goes over it', () => {
  const params = readParams(invoke({ port: '5070', proto: 'tcp' }, [ADDRESS, '--port=5080']));
  assert.is(params.listen_address, '192.0.2.10');
  assert.is(params.port, 5080);
  assert.is(params.proto, 'tcp');
});

test('of a flag that is repeated the last one counts', () => {
  const params = readParams(invoke({}, [ADDRESS, '--port=1', '--port=2', '--port=3']));
  assert.is(params.port, 3);
});

test('an empty flag is empty and swallows nothing', () => {
  for (const flags of [
    ['--kamctlrc=', '--port=1', ADDRESS],
    ['--port=1', ADDRESS, '--kamctlrc='],
  ]) {
    const params = readParams(invoke({ kamctlrc: '/etc/other' }, flags));
    assert.is(params.kamctlrc, '');
    assert.is(params.port, 1);
    assert.is(params.listen_address, '192.0.2.10');
  }
});

test('an empty flag before the action does not swallow the action', async () => {
  const call = await callAgent('--kamctlrc=', {}, { args: ['meta-data'] });
  assert.is(call.code, 0);
  assert.match(call.stdout, /<resource-agent/);
});

test('a value may hold equals signs, dashes, blanks and digits, and stays text', () => {
  const params = readParams(
    invoke({}, [ADDRESS, '--extra_options=-A A=--b=c -m 64', '--probe_user=007', '--kamuser=1000']),
  );
  assert.equal([...params.extra_options], ['-A', 'A=--b=c', '-m', '64']);
  assert.is(params.probe_user, '007');
  assert.is(params.kamuser, '1000');
});

test('a flag that is no parameter is ignored and named, also one that has a meaning of its own elsewhere', () => {
  for (const name of ['ports', 'Port', 'OCF_RESKEY_port', 'constructor', 'no-port', '_', '__proto__']) {
    for (const flag of [`--${name}=1`, `--${name}`]) {
      const invocation = invoke({}, [ADDRESS, flag, '--proto=udp']);
      assert.equal(unknownFlags(invocation), [name]);
      const { port, proto } = readParams(invocation);
      assert.equal([port, proto], [5060, 'udp']);
    }
  }
});

test('a flag is checked like a variable', () => {
  assert.match(
    refused(() => readParams(invoke({}, [ADDRESS, '--port=70000']))),
    /^port=70000: /,
  );
  assert.match(
    refused(() => readParams(invoke({}, [ADDRESS, '--port']))),
    /^port=/,
  );
});

test('a flag that nobody knows fails no action, and is warned of', async () => {
  const nowhere = { listen_address: '192.0.2.10', pidfile: '/nonexistent/kamailio.pid' };
  for (const [action, code] of [
    ['monitor', 7],
    ['stop', 0],
    ['meta-data', 0],
    ['reload-agent', 0],
  ] as const) {
    const call = await callAgent(action, nowhere, { args: ['--prot=udp', '--\u001b[2J\n=1'] });
    assert.is(call.code, code, call.stderr);
    assert.match(call.stderr, /^WARNING: --prot is not a parameter of this agent and is ignored; /m);
    assert.match(call.stderr, /^WARNING: --\?\[2J is not a parameter/m);
  }
});

test('the flags of diagnose, and of actions that are written as flags, are known', async () => {
  for (const args of [['diagnose', '--output=yaml'], ['--version'], ['--help']]) {
    const [action, ...rest] = args;
    assert.not.match((await callAgent(action, {}, { args: rest })).stderr, /WARNING/);
  }
});

test.run();
