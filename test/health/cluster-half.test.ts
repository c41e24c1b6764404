import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { callAgent } from '../support/agent.ts';

interface Finding {
  readonly check: string;
  readonly verdict: string;
  readonly seen: string;
  readonly remedy?: string;
}

interface Cib {
  /** The findings of one check that are not ok. */
  findings(check: string): Promise<readonly Finding[]>;
  /** Runs the commands that remedies quote, on the file. */
  run(found: readonly Finding[]): void;
}

/** A CIB in a file, on which Pacemaker's tools and pcs work as on that of a cluster. */
async function withCib(
  resources: string,
  status: string,
  body: (cib: Cib) => Promise<void>,
  constraints = '',
): Promise<void> {
  const directory = mkdtempSync('/tmp/ocf-kamailio-test-cib-');
  const file = join(directory, 'cib.xml');
  const empty = spawnSync('cibadmin', ['--empty'], { encoding: 'utf8' }).stdout;
  const text = empty
    .replace('<resources/>', `<resources>${resources}</resources>`)
    .replace('<constraints/>', `<constraints>${constraints}</constraints>`)
    .replace('<nodes/>', '<nodes><node id="1" uname="node1"/></nodes>')
    .replace('<status/>', `<status>${status}</status>`);
  writeFileSync(file, text);
  const env = { CIB_file: file, OCF_RESOURCE_INSTANCE: '' };
  try {
    await body({
      findings: async (check) => {
        const { stdout } = await callAgent('diagnose', {}, { args: ['k', '--output=json'], env });
        const report: { readonly findings: readonly Finding[] } = JSON.parse(stdout);
        return report.findings.filter((one) => one.check === check && one.verdict !== 'ok');
      },
      run: (found) => {
        for (const { remedy = '' } of found) {
          for (const [, command = ''] of remedy.matchAll(/`(pcs [^`]+)`/g)) {
            const shell = spawnSync('/bin/sh', ['-ec', command.replace(/^pcs/, `pcs -f ${file}`)], {
              encoding: 'utf8',
            });
            assert.is(shell.status, 0, `${command}: ${shell.stderr}`);
          }
        }
      },
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const pair = (id: string, name: string, value: string) =>
  `<nvpair id="${id}-${name}" name="${name}" value="${value}"/>`;

/** The resource k, with operations such as `start 0 60`. */
function kamailio(values: Record<string, string>, ...operations: string[]): string {
  const pairs = Object.entries(values).map(([name, value]) => pair('k', name, value));
  const list = operations.map((text) => {
    const [name, interval, timeout] = text.split(' ');
    return `<op id="k-${name}-${interval}" name="${name}" interval="${interval}s" timeout="${timeout}s"/>`;
  });
  return `<primitive id="k" class="ocf" provider="heartbeat" type="kamailio"><instance_attributes id="k-ia">${pairs.join('')}</instance_attributes><operations>${list.join('')}</operations></primitive>`;
}

const ADDRESS = `<primitive id="ip" class="ocf" provider="heartbeat" type="IPaddr2"><instance_attributes id="ip-ia">${pair('ip', 'ip', '198.51.100.7')}</instance_attributes></primitive>`;
const LISTENS = { listen_address: '198.51.100.7', probe_timeout: '1' };
const GOOD = ['start 0 60', 'stop 0 30', 'monitor 10 30'];

test('operations that are missing or too short are found, and are gone when the remedies were run', async () => {
  const stop = { stop_grace: '25', drain: 'cfg.set_now_int drain active 1', drain_timeout: '60' };
  const resource = kamailio({ ...LISTENS, ...stop }, 'start 0 10', 'stop 0 20');
  await withCib(resource, '', async ({ findings, run }) => {
    const found = await findings('operations');
    const seen = found.map((one) => one.seen).join('\n');
    assert.match(seen, /no monitor recurs/);
    assert.match(seen, /start has a timeout of 10 s; 60 s are suggested/);
    assert.match(seen, /stop has a timeout of 20 s; 30 s/);
    assert.match(seen, /stop_grace takes 25 s of it/);
    assert.match(
      seen,
      /stop has a timeout of 20 s, which leaves 0 of the 60 s of drain_timeout: calls are cut/,
    );
    run(found);
    assert.equal(await findings('operations'), []);
  });
});

test('a monitor that comes every ten minutes is found, and the remedy makes it frequent', async () => {
  await withCib(
    kamailio(LISTENS, 'start 0 60', 'stop 0 30', 'monitor 600 5'),
    '',
    async ({ findings, run }) => {
      const found = await findings('operations');
      assert.match(found.map((one) => one.seen).join('\n'), /^no monitor comes more often than every 60 s/);
      run(found);
      assert.equal(await findings('operations'), []);
    },
  );
});

test('timeouts of op_defaults and of a template count', async () => {
  const template = kamailio({}, ...GOOD)
    .replaceAll('primitive', 'template')
    .replaceAll('"k"', '"t"')
    .replaceAll('"k-', '"t-');
  const resource = `${template}<primitive id="k" template="t"><instance_attributes id="k-ia">${pair('k', 'listen_address', '198.51.100.7')}</instance_attributes></primitive>`;
  await withCib(resource, '', async ({ findings }) => assert.equal(await findings('operations'), []));
});

test('an address without a resource, or beside Kamailio without order and colocation, is found, and the remedies tie it', async () => {
  await withCib(kamailio(LISTENS, ...GOOD), '', async ({ findings, run }) => {
    const found = await findings('address');
    assert.match(found[0]?.seen ?? '', /no IPaddr2 of this cluster has listen_address 198\.51\.100\.7/);
    run(found);
    assert.equal(await findings('address'), []);
  });
  await withCib(ADDRESS + kamailio(LISTENS, ...GOOD), '', async ({ findings, run }) => {
    const found = await findings('address');
    assert.equal(
      found.map(({ seen }) => /^nothing (keeps|orders)/.exec(seen)?.[1]),
      ['keeps', 'orders'],
    );
    run(found);
    assert.equal(await findings('address'), []);
  });
});

test('an address in the group before Kamailio is fine, behind it is not, and a clone needs no order', async () => {
  const group = (...members: string[]) => `<group id="g">${members.join('')}</group>`;
  await withCib(group(ADDRESS, kamailio(LISTENS, ...GOOD)), '', async ({ findings }) =>
    assert.equal(await findings('address'), []),
  );
  await withCib(group(kamailio(LISTENS, ...GOOD), ADDRESS), '', async ({ findings }) =>
    assert.is((await findings('address')).length, 2),
  );
  const clone = `${ADDRESS}<clone id="c">${kamailio(LISTENS, ...GOOD)}</clone>`;
  await withCib(clone, '', async ({ findings, run }) => {
    const found = await findings('address');
    assert.is(found.length, 1);
    run(found);
    assert.equal(await findings('address'), []);
  });
});

test('failed actions of the last day and fail counts are shown, older ones and answers of probes are not', async () => {
  const now = Math.floor(Date.now() / 1000);
  const action = (id: string, code: number, age: number, interval = '10000') =>
    `<lrm_rsc_op id="${id}" operation="monitor" operation_key="k_monitor_${interval}" crm-debug-origin="x" crm_feature_set="3.16.1" transition-key="1:1:0:x" transition-magic="0:${code};1:1:0:x" on_node="node1" call-id="1" rc-code="${code}" op-status="0" interval="${interval}" last-rc-change="${now - age}" exec-time="1" queue-time="0" op-digest="x" exit-reason="udp:198.51.100.7:5060: no answer"/>`;
  const status = `<node_state id="1" uname="node1" in_ccm="true" crmd="online" crm-debug-origin="x" join="member" expected="member"><transient_attributes id="1"><instance_attributes id="s">${pair('s', 'fail-count-k#monitor_10000', 'INFINITY').replace('s-fail-count-k#', 's-')}</instance_attributes></transient_attributes><lrm id="1"><lrm_resources><lrm_resource id="k" type="kamailio" class="ocf" provider="heartbeat">${action('k_last_failure_0', 1, 3600)}${action('k_last_0', 7, 3600, '0')}${action('k_monitor_20000', 1, 90000)}</lrm_resource></lrm_resources></lrm></node_state>`;
  await withCib(kamailio(LISTENS, ...GOOD), status, async ({ findings }) => {
    const found = await findings('history');
    assert.is(found.length, 2, JSON.stringify(found));
    assert.match(
      found[0]?.seen ?? '',
      /^node1, \d{4}-\d\d-\d\dT[\d:]+Z: monitor ended with 1: udp:198\.51\.100\.7/,
    );
    assert.match(found[1]?.seen ?? '', /^node1: fail count of monitor is INFINITY/);
    assert.match(found[0]?.remedy ?? '', /crm_resource --cleanup --resource k --node node1/);
  });
});

test('agents that differ between nodes are told by what each makes the cluster restart Kamailio for', async () => {
  const node = (id: number, restarting: string | undefined) =>
    `<node_state id="${id}" uname="node${id}" in_ccm="true" crmd="online" crm-debug-origin="x" join="member" expected="member"><lrm id="${id}"><lrm_resources><lrm_resource id="k" type="kamailio" class="ocf" provider="heartbeat"><lrm_rsc_op id="k_last_0" operation="start" operation_key="k_start_0" crm-debug-origin="x" crm_feature_set="3.16.1" transition-key="1:1:0:x" transition-magic="0:0;1:1:0:x" on_node="node${id}" call-id="1" rc-code="0" op-status="0" interval="0" last-rc-change="1" exec-time="1" queue-time="0" op-digest="x"${restarting === undefined ? '' : ` op-force-restart="${restarting}" op-restart-digest="x"`}/></lrm_resource></lrm_resources></lrm></node_state>`;
  const told = (...lists: (string | undefined)[]) =>
    lists.map((list, index) => node(index + 1, list)).join('');
  const seenWith = async (status: string) => {
    let seen: string[] = [];
    await withCib(kamailio(LISTENS, ...GOOD), status, async ({ findings }) => {
      seen = (await findings('versions')).map((one) => one.seen);
    });
    return seen;
  };
  assert.equal(await seenWith(told(' port  proto ', ' proto  port ')), []);
  assert.equal(await seenWith(''), []);
  assert.equal(await seenWith(told(' port ', ' port  environment ', ' port ', undefined)), [
    'the agent differs between nodes, as the cluster knows it: that of node1 and node3 knows fewer parameters; that of node2 restarts Kamailio for environment; that of node4 has no reload-agent',
  ]);
  assert.equal(await seenWith(told(' port ', undefined)), [
    'the agent differs between nodes, as the cluster knows it: that of node1 has a reload-agent; that of node2 has no reload-agent',
  ]);
});

test.run();
