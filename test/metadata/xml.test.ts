import { readFileSync } from 'node:fs';
import { XMLParser } from 'fast-xml-parser';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ACTIONS } from '../../src/interface/actions.ts';
import { PARAMETERS } from '../../src/interface/parameters.ts';
import { callAgent } from '../support/agent.ts';

/** As design.md has it, written out once more: name, type, default, unique group, reloadable, required. */
const EXPECTED: readonly [string, string, string | undefined, string, '0' | '1', '0' | '1'][] = [
  ['binary', 'string', '/usr/sbin/kamailio', '', '0', '0'],
  ['conffile', 'string', '/etc/kamailio/kamailio.cfg', '', '0', '0'],
  ['pidfile', 'string', '/var/run/kamailio_INSTANCE/kamailio.pid', 'pidfile', '0', '0'],
  ['monitoring_ip', 'string', '', '', '1', '0'],
  ['listen_address', 'string', undefined, 'socket', '0', '1'],
  ['port', 'string', '5060', 'socket', '0', '0'],
  ['proto', 'string', 'udptcp', 'socket', '0', '0'],
  ['sipsak', 'string', '/usr/bin/sipsak', '', '1', '0'],
  ['kamctl', 'string', '/usr/sbin/kamctl', '', '1', '0'],
  ['kamctlrc', 'string', '/etc/kamailio/kamctlrc', '', '1', '0'],
  ['kamuser', 'string', '', '', '0', '0'],
  ['kamgroup', 'string', '', '', '0', '0'],
  ['extra_options', 'string', '', '', '0', '0'],
  ['environment', 'string', '', '', '0', '0'],
  ['monitor_tools', 'select', 'builtin', '', '1', '0'],
  ['probes', 'string', '', '', '1', '0'],
  ['probe_user', 'string', 'monitor', '', '1', '0'],
  ['probe_uri', 'string', '', '', '1', '0'],
  ['probe_timeout', 'integer', '5', '', '1', '0'],
  ['probe_tries', 'integer', '1', '', '1', '0'],
  ['probe_tls_cert', 'string', '', '', '1', '0'],
  ['probe_tls_key', 'string', '', '', '1', '0'],
  ['stop_grace', 'integer', '', '', '1', '0'],
  ['core_on_kill', 'select', 'off', '', '1', '0'],
  ['probe_drained', 'string', '', '', '1', '0'],
  ['drain', 'string', '', '', '1', '0'],
  ['drain_timeout', 'integer', '', '', '1', '0'],
  ['watch', 'select', 'off', '', '1', '0'],
  ['watch_timeout', 'integer', '5', '', '1', '0'],
];

/** Name, timeout, interval, check level. */
const EXPECTED_ACTIONS = [
  ['start', '60s', undefined, undefined],
  ['stop', '30s', undefined, undefined],
  ['monitor', '30s', '10s', '10'],
  ['monitor', '30s', '60s', '20'],
  ['status', '30s', '10s', undefined],
  ['validate-all', '5s', undefined, undefined],
  ['reload-agent', '10s', undefined, undefined],
  ['meta-data', '5s', undefined, undefined],
  ['notify', '5s', undefined, undefined],
] as const;

interface Text {
  readonly '#text': string;
  readonly '@lang': string;
}

interface ParameterElement {
  readonly '@name': string;
  readonly '@unique-group'?: string;
  readonly '@required': string;
  readonly '@reloadable': string;
  readonly longdesc: Text;
  readonly shortdesc: Text;
  readonly content: { readonly '@type': string; readonly '@default'?: string };
}

interface AgentElement {
  readonly '@name': string;
  readonly '@version': string;
  readonly version: string;
  readonly longdesc: Text;
  readonly shortdesc: Text;
  readonly parameters: { readonly parameter: readonly ParameterElement[] };
  readonly actions: {
    readonly action: readonly {
      '@name': string;
      '@timeout': string;
      '@interval'?: string;
      '@depth'?: string;
    }[];
  };
}

async function readMetadata(): Promise<AgentElement> {
  const call = await callAgent('meta-data');
  assert.is(call.code, 0);
  assert.is(call.stderr, '');
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    parseTagValue: false,
    parseAttributeValue: false,
    trimValues: false,
  });
  return parser.parse(call.stdout)['resource-agent'];
}

test('every parameter is there with type, default, unique group, reloadable and required', async () => {
  const { parameters } = await readMetadata();
  const found = parameters.parameter.map((parameter) => [
    parameter['@name'],
    parameter.content['@type'],
    parameter.content['@default'],
    parameter['@unique-group'] ?? '',
    parameter['@reloadable'],
    parameter['@required'],
  ]);
  assert.equal(
    found,
    EXPECTED.map((row) => [...row]),
  );
});

test('the document type is for ocf-tester alone, which calls with an interval', async () => {
  const plain = await callAgent('meta-data');
  assert.match(plain.stdout, /^<\?xml version="1\.0"\?>\n<resource-agent /);
  const linted = await callAgent('meta-data', { CRM_meta_interval: '10000' });
  assert.match(linted.stdout, /^<\?xml version="1\.0"\?>\n<!DOCTYPE resource-agent \[\n/);
  assert.is(linted.stdout.replace(/<!DOCTYPE .*?\n\]>\n/s, ''), plain.stdout);
});

test('the table has no parameter that the metadata lacks', async () => {
  const { parameters } = await readMetadata();
  assert.equal(
    parameters.parameter.map((parameter) => parameter['@name']),
    Object.keys(PARAMETERS),
  );
});

test('every parameter has a short and a long description, in English', async () => {
  const { parameters, longdesc, shortdesc } = await readMetadata();
  for (const element of [...parameters.parameter, { '@name': 'agent', longdesc, shortdesc }]) {
    for (const text of [element.longdesc, element.shortdesc]) {
      assert.is(text['@lang'], 'en', element['@name']);
      assert.ok(text['#text'].trim().length > 5, element['@name']);
    }
    assert.ok(element.shortdesc['#text'].length < 60, element['@name']);
    assert.not.match(element.shortdesc['#text'], /\n/);
  }
});

test('every advertised action is there with its timeout and interval', async () => {
  const { actions } = await readMetadata();
  const found = actions.action.map((action) => [
    action['@name'],
    action['@timeout'],
    action['@interval'],
    action['@depth'],
  ]);
  assert.equal(
    found,
    EXPECTED_ACTIONS.map((row) => [...row]),
  );
  for (const [name] of found) assert.ok(name && name in ACTIONS, name);
  const advertised = Object.entries(ACTIONS).flatMap(([name, row]) =>
    row.timeout === undefined ? [] : name,
  );
  assert.equal([...new Set(found.map(([name]) => name))], advertised);
});

test("the format is that of OCF 1.1, and the agent's version that of package.json", async () => {
  const agent = await readMetadata();
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  assert.is(agent.version, '1.1');
  assert.is(agent['@version'], version);
  assert.is(agent['@name'], 'kamailio');
});

test('the long description shows three instances, each with its own socket, configuration and kamctlrc', async () => {
  const text = (await readMetadata()).longdesc['#text'];
  const blocks = [...text.matchAll(/Instance \d: (\S+=\S+\s+)+/g)].map(([block]) => block);
  assert.is(blocks.length, 3);
  const value = (name: string) => blocks.map((block) => new RegExp(`\\b${name}=(\\S+)`).exec(block)?.[1]);
  assert.equal(value('proto'), ['udptcp', 'udp', 'tcp']);
  assert.equal(value('port'), ['5060', '5070', '5080']);
  for (const name of ['conffile', 'kamctlrc']) {
    assert.is(new Set(value(name)).size, 3, name);
    assert.ok(value(name).every((path) => path?.startsWith('/')));
  }
});

test('the long description shows the FIFO of an instance in its kamctlrc and in its configuration alike', async () => {
  const text = (await readMetadata()).longdesc['#text'];
  const fifo = /^ +RPCFIFOPATH=(\S+)$/m.exec(text)?.[1];
  assert.ok(fifo?.startsWith('/'));
  assert.ok(text.includes(`modparam("jsonrpcs", "fifo_name", "${fifo}")`));
});

test('the metadata needs no parameter, no Kamailio and no environment', async () => {
  const plain = await callAgent('meta-data');
  const odd = await callAgent('meta-data', { port: 'x', binary: '/nonexistent', listen_address: '\u001b' });
  assert.is(odd.code, 0);
  assert.is(odd.stdout, plain.stdout);
});

test.run();
