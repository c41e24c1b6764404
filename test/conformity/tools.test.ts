import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PARAMETERS } from '../../src/interface/parameters.ts';
import { callAgent } from '../support/agent.ts';
import { run, testWith, withProvider } from './support.ts';

const SCHEMA = '/usr/share/pcs/data/ocf-1.1.rng';
const PCS = '/usr/sbin/pcs';
const CRM = '/usr/sbin/crm';

testWith('/usr/bin/xmllint', SCHEMA)(
  'the metadata is valid by the schema of OCF 1.1 (needs xmllint and pcs)',
  async () => {
    const { stdout } = await callAgent('meta-data');
    const { code, output } = await run('xmllint', ['--noout', '--relaxng', SCHEMA, '-'], stdout);
    assert.is(code, 0, output);
  },
);

testWith(PCS)('pcs describes every parameter and action (needs pcs)', async () => {
  await withProvider(async (provider) => {
    const { code, output } = await run(PCS, ['resource', 'describe', `ocf:${provider}:kamailio`, '--full']);
    assert.is(code, 0, output);
    // pcs 0.12 puts what follows the name on lines of their own.
    for (const name of Object.keys(PARAMETERS))
      assert.match(output, new RegExp(`^  ${name}(?:[ :(]|$)`, 'm'), name);
    assert.match(output, /^ {2}listen_address \(required\)/m);
    for (const action of ['start', 'stop', 'monitor', 'notify'])
      assert.match(output, new RegExp(`^  ${action}:`, 'm'));
    assert.not.match(output, /[Ww]arning|[Ee]rror:/);
  });
});

testWith(CRM)('crmsh describes every parameter with its default (needs crmsh)', async () => {
  await withProvider(async (provider) => {
    const { code, output } = await run(CRM, ['ra', 'info', `ocf:${provider}:kamailio`]);
    assert.is(code, 0, output);
    for (const [name, row] of Object.entries(PARAMETERS)) {
      const line = output.split('\n').find((text) => new RegExp(`^${name}\\*? \\(`).test(text));
      assert.ok(line?.includes(row.short) && line.includes(row.default), `${name}: ${line}`);
    }
    assert.match(output, /^listen_address\* /m);
  });
});

test('no provider of a test is left behind', async () => {
  let name = '';
  try {
    await withProvider(async (provider) => {
      name = provider;
      throw new Error('a test fails');
    });
  } catch {
    // Expected: what counts is what is left.
  }
  const { code } = await run('test', ['-e', `/usr/lib/ocf/resource.d/${name}`]);
  assert.is(code, 1);
});

test.run();
