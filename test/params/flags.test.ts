import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readParams } from '../../src/params/parse.ts';
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

test('a flag that is no parameter is refused and named', () => {
  for (const name of ['ports', 'Port', 'OCF_RESKEY_port', 'constructor', 'toString']) {
    const reason = refused(() => readParams(invoke({}, [ADDRESS, `--${name}=1`])));
    assert.ok(reason.startsWith(`--${name} is no parameter`), reason);
  }
});

test('a flag whose name has a meaning of its own elsewhere is refused like any other', () => {
  for (const name of ['no-kamuser', 'no-port', '_', '__proto__']) {
    const reason = refused(() => readParams(invoke({}, [ADDRESS, `--${name}=1`])));
    assert.ok(reason.startsWith(`--${name} is no parameter`), reason);
    assert.match(
      refused(() => readParams(invoke({}, [ADDRESS, `--${name}`]))),
      /is no parameter/,
    );
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

test('the built file refuses an unknown flag with 6', async () => {
  const call = await callAgent('validate-all', {}, { args: [ADDRESS, '--prot=udp'] });
  assert.is(call.code, 6);
  assert.match(call.reason, /--prot is no parameter/);
});

test.run();
