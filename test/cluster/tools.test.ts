import * as assert from 'uvu/assert';
import { readmeCommands } from './readme.ts';
import { setMaintenance } from './testbed/administration.ts';
import { KAMAILIO } from './testbed/kamailio.ts';
import type { TestbedNode } from './testbed/node.ts';
import { clusterSuite } from './testbed/suite.ts';
import type { Testbed } from './testbed/testbed.ts';

const { test, run } = clusterSuite('tools');

async function assertRuns(testbed: Testbed): Promise<TestbedNode> {
  const node = await testbed.untilRunning(KAMAILIO);
  await testbed.settle();
  assert.ok(await testbed.answers());
  assert.equal((await testbed.state()).failures, []);
  return node;
}

test("the README's commands for pcs make a group that runs", async (testbed) => {
  await testbed.node(1).mustRun(['sh', '-ec', readmeCommands('pcs')]);
  await assertRuns(testbed);
});

test("the README's commands for crm make a group that runs, and verify has nothing to say", async (testbed) => {
  await testbed.node(1).mustRun(['sh', '-ec', readmeCommands('crm')]);
  const { code, stdout, stderr } = await testbed.node(1).run(['crm', 'configure', 'verify']);
  assert.is(code, 0);
  assert.not.match(stdout + stderr, /ERROR|kamailio/);
  await assertRuns(testbed);
});

test('pcs asks the agent before it creates or updates, and shows its reason', async (testbed) => {
  const node = testbed.node(1);
  const create = ['pcs', 'resource', 'create', KAMAILIO, 'ocf:heartbeat:kamailio'];
  const refused = await node.run([...create, 'listen_address=sip.example', '--agent-validation']);
  assert.is(refused.code, 1);
  assert.match(refused.stderr, /listen_address=sip\.example: is no IPv4 or IPv6 address/);
  const incomplete = await node.run([...create, 'proto=udp']);
  assert.is(incomplete.code, 1);
  assert.match(incomplete.stderr, /required resource option 'listen_address' is missing/);
  await node.mustRun([...create, 'listen_address=127.0.0.1', '--agent-validation', '--disabled']);
  const update = ['pcs', 'resource', 'update', KAMAILIO];
  const wrong = await node.run([...update, 'proto=sctp', '--agent-validation']);
  assert.is(wrong.code, 1);
  assert.match(wrong.stderr, /proto=sctp: is not one of udp, tcp/);
  await node.mustRun([...update, 'proto=udp', 'probe_timeout=3', '--agent-validation']);
  const config = await node.mustRun(['pcs', 'resource', 'config', KAMAILIO]);
  assert.match(config, /proto=udp/);
  assert.match(config, /probe_timeout=3/);
});

test('pcs makes an operation of each check level, and the cluster runs them all', async (testbed) => {
  await testbed
    .node(1)
    .mustRun([
      ...['pcs', 'resource', 'create', KAMAILIO, 'ocf:heartbeat:kamailio'],
      'listen_address=127.0.0.1',
    ]);
  const config = await testbed.node(1).mustRun(['pcs', 'resource', 'config', KAMAILIO]);
  assert.equal(
    [...config.matchAll(/OCF_CHECK_LEVEL=(\d+)/g)].map(([, level]) => level),
    ['10', '20'],
  );
  await testbed.untilRunning(KAMAILIO);
  await testbed.settle();
  const { history, failures } = await testbed.state();
  const monitors = history.filter(({ resource, task }) => resource === KAMAILIO && task === 'monitor');
  const healthy = monitors.filter(({ code }) => code === 0).map(({ intervalMs }) => intervalMs);
  assert.equal(
    healthy.sort((a, b) => a - b),
    [10_000, 60_000],
  );
  assert.equal(failures, []);
});

test('pcs sets a parameter to nothing with a blank', async (testbed) => {
  await testbed.createKamailio();
  for (const node of testbed.nodes) await node.mustRun(['rm', '/etc/kamailio/kamctlrc']);
  const node = await testbed.untilRunning(KAMAILIO);
  assert.is((await node.run(['crm_resource', '--force-check', '-r', KAMAILIO])).code, 190);
  await node.mustRun(['pcs', 'resource', 'update', KAMAILIO, 'kamctlrc= ', '--agent-validation']);
  await testbed.settle();
  assert.is((await node.run(['crm_resource', '--force-check', '-r', KAMAILIO])).code, 0);
});

test('an order of pcs is kept: what follows starts after Kamailio and stops before it', async (testbed) => {
  const node = testbed.node(1);
  const kamailio = [
    KAMAILIO,
    'ocf:heartbeat:kamailio',
    'listen_address=127.0.0.1',
    'op',
    'monitor',
    'interval=10s',
  ];
  await node.mustRun(['pcs', 'resource', 'create', ...kamailio]);
  await node.mustRun(['pcs', 'resource', 'create', 'after', 'ocf:pacemaker:Dummy', '--disabled']);
  await node.mustRun(['pcs', 'constraint', 'order', 'start', KAMAILIO, 'then', 'start', 'after']);
  await node.mustRun(['pcs', 'constraint', 'colocation', 'add', 'after', 'with', KAMAILIO]);
  await node.mustRun(['pcs', 'resource', 'disable', KAMAILIO]);
  await node.mustRun(['pcs', 'resource', 'enable', 'after']);
  await testbed.settle();
  const before = await testbed.state();
  assert.ok(
    before.resources.every(({ active }) => !active),
    'without Kamailio nothing runs',
  );
  await node.mustRun(['pcs', 'resource', 'enable', KAMAILIO]);
  const place = await testbed.untilRunning('after');
  assert.is((await testbed.untilRunning(KAMAILIO)).name, place.name);
  await node.mustRun(['pcs', 'resource', 'disable', KAMAILIO]);
  await testbed.settle();
  const log = place.log();
  const result = (operation: string, resource: string) => {
    // Pacemaker 3.0 writes OK.
    const words = `Result of ${operation} operation for ${resource} on ${place.name}: ok\\b`;
    const at = [...log.matchAll(new RegExp(words, 'gi'))].at(-1)?.index ?? 0;
    assert.ok(at > 0, `${resource} ${operation}`);
    return at;
  };
  assert.ok(result('start', KAMAILIO) < result('start', 'after'));
  assert.ok(result('stop', 'after') < result('stop', KAMAILIO));
});

test('crmsh refuses what the metadata requires, and asks the agent on demand', async (testbed) => {
  const node = testbed.node(1);
  const create = ['crm', 'configure', 'primitive', KAMAILIO, 'ocf:heartbeat:kamailio', 'params'];
  const incomplete = await node.run([...create, 'proto=udp']);
  assert.is(incomplete.code, 1);
  assert.match(incomplete.stderr, /required parameter "listen_address" not defined/);
  const unknown = await node.run([...create, 'listen_address=127.0.0.1', 'no_such_parameter=1']);
  assert.match(unknown.stdout + unknown.stderr, /no_such_parameter/);
  const wrong = await node.run(['crm', 'ra', 'validate', 'ocf:heartbeat:kamailio', 'listen_address=10.0.0']);
  assert.is(wrong.code, 1);
  assert.match(wrong.stdout + wrong.stderr, /listen_address=10\.0\.0: is no IPv4 or IPv6 address/);
  const right = await node.run([
    'crm',
    'ra',
    'validate',
    'ocf:heartbeat:kamailio',
    'listen_address=10.0.0.1',
  ]);
  assert.is(right.code, 0);
});

/** crm_resource prints the agent's code with its own words. */
function returned(action: string, code: number): RegExp {
  return new RegExp(`Operation ${action}.* returned ${code} `);
}

test('crm_resource --validate judges a resource, and options that are no resource yet', async (testbed) => {
  await testbed.createKamailio();
  const node = await testbed.untilRunning(KAMAILIO);
  for (const level of ['', '=0', '=10'])
    assert.match(
      await node.mustRun(['crm_resource', `--validate${level}`, '-r', KAMAILIO]),
      returned('validate', 0),
    );
  const options = [
    '--class',
    'ocf',
    '--provider',
    'heartbeat',
    '--agent',
    'kamailio',
    '--option',
    'listen_address=::1',
  ];
  assert.match(await node.mustRun(['crm_resource', '--validate=0', ...options]), returned('validate', 0));
  const wrong = await node.run(['crm_resource', '--validate', ...options, '--option', 'port=0']);
  assert.is(wrong.code, 6);
  assert.match(wrong.stdout, returned('validate', 6));
  assert.match(wrong.stdout, /ocf-exit-reason:port=0: /);
  await node.mustRun(['rm', '/etc/kamailio/kamctlrc']);
  assert.is((await node.run(['crm_resource', '--validate=0', '-r', KAMAILIO])).code, 0);
  const missing = await node.run(['crm_resource', '--validate=10', '-r', KAMAILIO]);
  assert.is(missing.code, 5);
  assert.match(missing.stdout, /ocf-exit-reason:kamctlrc \/etc\/kamailio\/kamctlrc is missing on this node/);
});

test('crm_resource --force-check looks as deep as its level says', async (testbed) => {
  await testbed.createKamailio();
  const node = await testbed.untilRunning(KAMAILIO);
  await setMaintenance(testbed, true);
  await testbed.settle();
  const check = (level: string) => node.run(['crm_resource', `--force-check${level}`, '-r', KAMAILIO]);
  for (const level of ['', '=0', '=10', '=20']) assert.is((await check(level)).code, 0, level);
  await node.mustRun(['rm', '/run/kamailio-cluster/kamailio_rpc.fifo']);
  assert.is((await check('=0')).code, 0, 'the main process lives');
  for (const level of ['', '=10', '=20']) {
    const { code, stdout } = await check(level);
    assert.is(code, 190, level);
    assert.match(stdout, /ocf-exit-reason:.*control plane: the FIFO .* that this Kamailio reads was removed/);
  }
  const elsewhere = testbed.nodes.find(({ name }) => name !== node.name);
  const { code, stdout } = (await elsewhere?.run(['crm_resource', '--force-check', '-r', KAMAILIO])) ?? {};
  assert.is(code, 7);
  assert.match(stdout ?? '', /ocf-exit-reason:not running/);
});

test('crm_resource --force-stop and --force-start do what they say, with HA_debug at length', async (testbed) => {
  await testbed.createKamailio();
  const node = await testbed.untilRunning(KAMAILIO);
  await setMaintenance(testbed, true);
  await testbed.settle();
  const stop = await node.mustRun(['crm_resource', '--force-stop', '-r', KAMAILIO]);
  assert.match(stop, returned('force-stop', 0));
  assert.match(stop, /Kamailio is stopped: \d+ processes ended/);
  assert.not(await testbed.answers());
  const again = await node.mustRun(['crm_resource', '--force-stop', '-r', KAMAILIO]);
  assert.match(again, returned('force-stop', 0));
  const debug = { env: { HA_debug: '1' } };
  const start = await node.mustRun(['crm_resource', '--force-start', '-VV', '-r', KAMAILIO], debug);
  assert.match(start, /debug: command line: .*kamailio -P \/var\/run\/kamailio_kamailio\/kamailio\.pid -f /);
  assert.match(start, /Kamailio is started \(pid \d+\)/);
  assert.ok(await testbed.answers());
  assert.match(await node.mustRun(['crm_resource', '--force-start', '-r', KAMAILIO]), /already runs/);
  const looked = await node.mustRun(['pcs', 'resource', 'debug-monitor', KAMAILIO, '--full']);
  assert.match(looked, returned('force-check', 0));
});

run();
