import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Call, callAgent } from '../support/agent.ts';
import { call, withInstance } from '../support/calls.ts';
import { withProgram } from '../support/processes.ts';

const CRM_RESOURCE = execFileSync('/bin/sh', ['-c', 'command -v crm_resource'], { encoding: 'utf8' }).trim();

/** The nodes of a cluster that this machine belongs to. Without them crm_resource cannot be asked for this machine. */
const NODES = `<node id="1" uname="${hostname()}"/><node id="2" uname="elsewhere"/>`;

interface Options {
  readonly nodes?: string;
  /** Content of the status section: what runs where. */
  readonly status?: string;
  /** More of the environment of the call. */
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

/** Diagnoses a resource of a CIB in a file. */
async function diagnoseResource(
  resource: string,
  resources: string,
  { nodes = NODES, status = '', env = {}, args = [] }: Options = {},
): Promise<Call> {
  const file = `/tmp/ocf-kamailio-test-cib-${process.pid}.xml`;
  writeFileSync(
    file,
    `<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="1" num_updates="0"><configuration><crm_config/><nodes>${nodes}</nodes><resources>${resources}</resources><constraints/></configuration><status>${status}</status></cib>`,
  );
  try {
    return await callAgent(
      'diagnose',
      {},
      {
        args: [resource, '--output=json', ...args],
        env: { CIB_file: file, OCF_RESOURCE_INSTANCE: '', ...env },
      },
    );
  } finally {
    rmSync(file);
  }
}

const attributes = (id: string, values: Record<string, string>) =>
  `<instance_attributes id="${id}-ia">${Object.entries(values)
    .map(([name, value]) => `<nvpair id="${id}-${name}" name="${name}" value="${value}"/>`)
    .join('')}</instance_attributes>`;
const primitive = (id: string, values: Record<string, string>) =>
  `<primitive id="${id}" class="ocf" provider="heartbeat" type="kamailio">${attributes(id, values)}</primitive>`;

const SHAPES = {
  'a primitive': ['p', (values: Record<string, string>) => primitive('p', values)],
  'a member of a group': [
    'p',
    (values: Record<string, string>) =>
      `<group id="g"><primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr2"/>${primitive('p', values)}</group>`,
  ],
  'a group': [
    'g',
    (values: Record<string, string>) =>
      `<group id="g"><primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr2"/>${primitive('p', values)}</group>`,
  ],
  'a clone': ['c', (values: Record<string, string>) => `<clone id="c">${primitive('p', values)}</clone>`],
  'a primitive made from a template': [
    'p',
    (values: Record<string, string>) =>
      `<template id="t" class="ocf" provider="heartbeat" type="kamailio">${attributes('t', values)}</template><primitive id="p" template="t"/>`,
  ],
} as const;

for (const [shape, [resource, xml]] of Object.entries(SHAPES)) {
  test(`the parameters of ${shape} are read out of the cluster`, async () => {
    await withInstance({}, async (instance) => {
      assert.is((await call(instance, 'start')).code, 0);
      const { code, stdout, stderr } = await diagnoseResource(resource, xml({ ...instance.params }));
      assert.is(code, 0, stdout + stderr);
      const report: { instance: string; source: string } = JSON.parse(stdout);
      assert.is(report.instance, 'p');
      assert.is(report.source, `the cluster's resource ${resource === 'p' ? 'p' : `p in ${resource}`}`);
    });
  });
}

const REFERENCES = {
  'a reference to the attributes of another resource': (values: Record<string, string>) =>
    `${primitive('other', values)}<primitive id="p" class="ocf" provider="heartbeat" type="kamailio"><instance_attributes id-ref="other-ia"/></primitive>`,
  'references to single attributes': (values: Record<string, string>) =>
    `${primitive('other', values)}<primitive id="p" class="ocf" provider="heartbeat" type="kamailio"><instance_attributes id="p-ia">${Object.keys(
      values,
    )
      .map((name) => `<nvpair id-ref="other-${name}" name="${name}"/>`)
      .join('')}</instance_attributes></primitive>`,
  'a rule that holds now': (values: Record<string, string>) =>
    `<primitive id="p" class="ocf" provider="heartbeat" type="kamailio"><instance_attributes id="p-new" score="2"><rule id="p-rule" score="0"><date_expression id="p-since" operation="gt" start="2020-01-01"/></rule><nvpair id="p-new-port" name="port" value="${values.port}"/></instance_attributes>${attributes('p', { ...values, port: '9' })}</primitive>`,
} as const;

for (const [what, xml] of Object.entries(REFERENCES)) {
  test(`${what} is resolved as the cluster resolves it`, async () => {
    await withInstance({}, async (instance) => {
      assert.is((await call(instance, 'start')).code, 0);
      const { code, stdout, stderr } = await diagnoseResource('p', xml({ ...instance.params }));
      assert.is(code, 0, stdout + stderr);
      assert.match(stdout, `udp:127.0.0.1:${instance.port}`);
    });
  });
}

interface Finding {
  readonly check: string;
  readonly verdict: string;
  readonly seen: string;
  readonly remedy?: string;
}

/** What a diagnosis says about the cluster, the line of how it found the parameters first. */
function clusterFindings({ stdout }: Call): Finding[] {
  const { findings }: { findings: Finding[] } = JSON.parse(stdout);
  return findings.filter(({ check }) => check === 'cluster');
}

const parametersOf = (call: Call) => clusterFindings(call)[0]?.seen ?? '';

const rule = (id: string, node: string) =>
  `<rule id="${id}-rule" score="0"><expression id="${id}-expression" attribute="#uname" operation="eq" value="${node}"/></rule>`;
/** Another address on each node, as instances have them that no address moves to. */
const ADDRESS_BY_NODE = `<primitive id="p" class="ocf" provider="heartbeat" type="kamailio"><instance_attributes id="p-here" score="2">${rule('p-here', hostname())}<nvpair id="p-here-l" name="listen_address" value="127.0.0.2"/></instance_attributes><instance_attributes id="p-there" score="2">${rule('p-there', 'elsewhere')}<nvpair id="p-there-l" name="listen_address" value="127.0.0.3"/></instance_attributes></primitive>`;

/** A status in which a resource runs on a node. */
const runs = (id: string, number: number, node: string) =>
  `<node_state id="${number}" uname="${node}" in_ccm="true" crmd="online" join="member" expected="member"><lrm id="${number}"><lrm_resources><lrm_resource id="${id}" class="ocf" provider="heartbeat" type="kamailio"><lrm_rsc_op id="${id}_last_0" operation_key="${id}_start_0" operation="start" crm-debug-origin="test" crm_feature_set="3.16.2" transition-key="3:0:0:11111111-1111-1111-1111-111111111111" transition-magic="0:0;3:0:0:11111111-1111-1111-1111-111111111111" call-id="5" rc-code="0" op-status="0" interval="0" on_node="${node}"/></lrm_resource></lrm_resources></lrm></node_state>`;

test('rules that ask for a node are worked out for this node, also of a clone that runs on two', async () => {
  for (const status of ['', runs('p', 2, 'elsewhere') + runs('p', 1, hostname())]) {
    const result = await diagnoseResource('p', `<clone id="c">${ADDRESS_BY_NODE}</clone>`, { status });
    assert.match(
      parametersOf(result),
      /listen_address=127\.0\.0\.2, as the cluster passes them on the node /,
    );
    assert.match(result.stdout, /"udp:127\.0\.0\.2:5060"/);
  }
});

test('a machine that is not a node of the cluster says which rules it cannot work out', async () => {
  const result = await diagnoseResource('p', ADDRESS_BY_NODE, { nodes: '' });
  const [found, warning] = clusterFindings(result);
  assert.match(found?.seen ?? '', /no parameter is set, as `crm_resource --get-parameter` gives them/);
  assert.is(warning?.verdict, 'warning');
  assert.match(warning?.seen ?? '', /the rules of p-here, p-there can ask for a node/);
  assert.match(warning?.remedy ?? '', /as flags/);
});

test('without the help for a node, references and rules are resolved value by value', async () => {
  for (const xml of Object.values(REFERENCES)) {
    const values = { listen_address: '127.0.0.1', port: '5099', kamctlrc: '', probe_user: ' ' };
    const found = parametersOf(await diagnoseResource('p', xml(values), { nodes: '' }));
    assert.match(
      found,
      /kamctlrc=, listen_address=127\.0\.0\.1, port=5099, probe_user=, as `crm_resource --get-/,
    );
  }
});

test('what a group and a clone hand down to their member counts, and the report says where it is', async () => {
  const xml = `<clone id="c">${attributes('c', { kamuser: 'nobody' })}<group id="g">${attributes('g', { port: '5099' })}${primitive('p', { listen_address: '127.0.0.1' })}</group></clone>`;
  for (const nodes of [NODES, '']) {
    const result = await diagnoseResource('p', xml, { nodes });
    assert.match(
      parametersOf(result),
      /^p, in the group g in the clone c: kamuser=nobody, listen_address=127\.0\.0\.1, port=5099, as /,
    );
    assert.match(result.stdout, /"udp:127\.0\.0\.1:5099"/);
  }
});

test('values arrive as they are, also with blanks and characters that XML escapes', async () => {
  const values = {
    listen_address: '127.0.0.1',
    extra_options: '-A &quot;X=a&amp;b&lt;&quot;',
    conffile: ' /a.cfg',
  };
  const result = await diagnoseResource('p', primitive('p', values));
  assert.match(parametersOf(result), /extra_options=-A "X=a&b<", /);
  assert.match(result.stdout, /conffile= ?\/a\.cfg: is /, 'the blank in front is what is wrong');
});

test('parameters in the environment of the caller do not count, flags do', async () => {
  const env = { OCF_RESKEY_port: '5098' };
  const xml = primitive('p', { listen_address: '127.0.0.1' });
  assert.match((await diagnoseResource('p', xml, { env })).stdout, /"udp:127\.0\.0\.1:5060"/);
  const flagged = await diagnoseResource('p', xml, { env, args: ['--port=5097'] });
  assert.match(flagged.stdout, /"udp:127\.0\.0\.1:5097"/);
});

test('an attribute that is not a parameter is named: it has no effect', async () => {
  const xml = primitive('p', { listen_address: '127.0.0.1', probe_usr: 'monitor' });
  const [, warning] = clusterFindings(await diagnoseResource('p', xml));
  assert.match(warning?.seen ?? '', /^p sets probe_usr, which is not a parameter of this agent/);
});

test('a cluster that breaks off while it is asked is said to, and no default stands in for a value', async () => {
  const directory = mkdtempSync('/tmp/ocf-kamailio-test-');
  try {
    const tool = join(directory, 'crm_resource');
    writeFileSync(
      tool,
      `#!/bin/sh\ncase "$*" in *--query-xml) exec ${CRM_RESOURCE} "$@";; esac\necho "Error connecting to the CIB manager" >&2; exit 102\n`,
      { mode: 0o755 },
    );
    const env = { PATH: `${directory}:${process.env.PATH}` };
    const { code, reason } = await diagnoseResource('p', primitive('p', { port: '5099' }), { env });
    assert.is(code, 1);
    assert.match(
      reason,
      /the cluster does not say what binary is for p: .*Error connecting to the CIB manager/,
    );
    assert.match(reason, /give the parameters as flags/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("a bundle's primitive is said to be inside a container", async () => {
  const { stdout } = await diagnoseResource(
    'p',
    `<bundle id="sip"><podman image="kamailio" replicas="2"/><network ip-range-start="192.0.2.50"/>${primitive('p', { listen_address: '127.0.0.1' })}</bundle>`,
  );
  assert.match(stdout, /"p runs inside the containers of the bundle sip: /);
  assert.match(stdout, /podman exec sip-podman-0 /);
});

const UNIQUE =
  '<meta_attributes id="c-m"><nvpair id="c-u" name="globally-unique" value="true"/></meta_attributes>';

test('the instance of a unique clone is found by its living process, not by a directory that was left', async () => {
  const name = `ocfk_clone_${process.pid}`;
  const left = `/var/run/kamailio_${name}:7`;
  await withInstance({ resource: `${name}:1` }, async (instance) => {
    const xml = primitive(name, { ...instance.params });
    const unique = `<clone id="c">${UNIQUE}${xml}</clone>`;
    mkdirSync(left);
    // A program of somebody else's with the same word is not an instance, either.
    const words = [
      '-e',
      'setInterval(() => {}, 2 ** 30)',
      '--',
      '-P',
      `/var/run/kamailio_${name}:0/kamailio.pid`,
    ];
    try {
      await withProgram(process.execPath, words, {}, async () => {
        const none = await diagnoseResource('c', unique);
        assert.match(
          clusterFindings(none)[1]?.seen ?? '',
          /no instance of the unique clone of .* runs on this node/,
        );
        assert.is((await call(instance, 'start')).code, 0);
        const { code, stdout } = await diagnoseResource('c', unique);
        assert.is(JSON.parse(stdout).instance, `${name}:1`);
        assert.is(code, 0, stdout);
      });
      assert.is(JSON.parse((await diagnoseResource(`${name}:0`, unique)).stdout).instance, `${name}:0`);
      const anonymous = await diagnoseResource('c', `<clone id="c">${xml}</clone>`);
      assert.is(JSON.parse(anonymous.stdout).instance, name, 'an anonymous clone has no numbers');
    } finally {
      rmdirSync(left);
    }
  });
});

test('two instances of a unique clone on one node are both named', async () => {
  const name = `ocfk_pair_${process.pid}`;
  await withInstance({ resource: `${name}:0` }, (first) =>
    withInstance({ resource: `${name}:1` }, async (second) => {
      for (const instance of [first, second]) assert.is((await call(instance, 'start')).code, 0);
      const xml = `<clone id="c">${UNIQUE}${primitive(name, { listen_address: '127.0.0.1' })}</clone>`;
      const result = await diagnoseResource('c', xml);
      assert.is(JSON.parse(result.stdout).instance, `${name}:0`);
      const [, warning] = clusterFindings(result);
      assert.is(warning?.seen, `${name}:1 runs on this node, too: what follows is about ${name}:0`);
    }),
  );
});

test('a resource that the cluster does not have is refused, and a name that is an option too', async () => {
  for (const [resource, words] of [
    ['nobody', /crm_resource knows no resource nobody/],
    ['a b', /is not a name of a resource/],
  ] as const) {
    const { code, reason } = await diagnoseResource(resource, primitive('p', {}));
    assert.is(code, 2);
    assert.match(reason, words);
  }
});

test.run();
