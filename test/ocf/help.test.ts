import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ACTIONS } from '../../src/interface/actions.ts';
import { PARAMETERS } from '../../src/interface/parameters.ts';
import { callAgent } from '../support/agent.ts';

test('help lists every action and every parameter with its default', async () => {
  const { code, stdout, stderr } = await callAgent('help');
  assert.is(code, 0);
  assert.is(stderr, '');
  for (const [name, row] of Object.entries(ACTIONS)) {
    if (!row.aliasOf) assert.match(stdout, new RegExp(`^  ${name} +\\S`, 'm'), name);
  }
  for (const [name, row] of Object.entries(PARAMETERS)) {
    const line = stdout.split('\n').find((text) => text.startsWith(`  ${name} `));
    assert.ok(line?.includes(row.default), name);
  }
  assert.match(stdout, /^ {2}listen_address .*\(required\)$/m);
});

test('help, usage, --help and -h print the same', async () => {
  const { stdout } = await callAgent('help');
  for (const word of ['usage', '--help', '-h']) {
    const call = await callAgent(word);
    assert.is(call.code, 0, word);
    assert.is(call.stdout, stdout, word);
  }
  assert.is((await callAgent('start', {}, { args: ['--help'] })).stdout, stdout);
});

test.run();
