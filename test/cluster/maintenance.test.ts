import * as assert from 'uvu/assert';
import { COUNT, createPlatform, follow, moveWithCalls } from './drain/planned-move.ts';
import { KAMAILIO, PIDFILE } from './testbed/kamailio.ts';
import { clusterSuite } from './testbed/suite.ts';

const { test, run } = clusterSuite('maintenance');

test("the page's commands move a service with 50 running calls away from its node: none is cut with drain, and many without", async (testbed) => {
  await createPlatform(testbed);
  const first = await testbed.untilRunning(KAMAILIO);
  const pid = await first.read(PIDFILE);
  const parameter = (name: string) =>
    testbed.command(['crm_resource', '--resource', KAMAILIO, '--get-parameter', name]);
  await follow(first, 'crm resource param');
  assert.is((await parameter('drain')).trim(), 'cfg.set_now_int drain active 1');
  assert.match(await testbed.command(['cibadmin', '--query']), /name="stop"[^>]* timeout="100s"/);
  await follow(first, 'pcs resource update');
  await testbed.settle();
  assert.is((await parameter('drain_timeout')).trim(), '60s');
  assert.is(await first.read(PIDFILE), pid, 'Kamailio runs on');
  assert.match(
    await follow(first, 'ocf-kamailio diagnose'),
    /ok +drain +no call now.*a stop runs `cfg\.set_now_int/,
  );

  await follow(first, 'kamctl rpc cfg.set_now_int');
  const monitor = async () => {
    const { history } = await testbed.state();
    const monitors = history.filter(({ resource, task }) => resource === KAMAILIO && task === 'monitor');
    return monitors.reduce((last, next) => (next.call >= last.call ? next : last)).code;
  };
  await testbed.waitFor(
    async () => (await monitor()) === 190,
    'the monitor shows that it is drained by hand',
  );
  assert.not(await testbed.answers());
  await first.mustRun(['kamctl', 'rpc', 'cfg.set_now_int', 'drain', 'active', '0']);
  await testbed.waitFor(async () => (await monitor()) === 0, 'the monitor is content again');
  assert.is(await first.read(PIDFILE), pid, 'nothing was recovered');

  const drained = await moveWithCalls(testbed, 7001);
  assert.equal({ kept: drained.kept, cut: drained.cut }, { kept: COUNT, cut: 0 });
  assert.match(drained.log, /draining Kamailio \(pid \d+\): it took `cfg\.set_now_int drain active 1`/);
  assert.match(drained.log, /draining: [1-9]\d* calls? left, \d+ s to go/);
  assert.match(drained.log, /drained: no call is left/);
  assert.ok(await testbed.answers());
  await follow(drained.from, 'crm_standby --node "$(crm_node -n)" --update off');
  await testbed.settle();
  assert.is((await testbed.untilRunning(KAMAILIO)).name, drained.to.name, 'the service stays where it is');

  // crm and pcs have put it into a set of attributes each.
  await testbed.command(['cibadmin', '--delete-all', '--force', '--xpath', "//nvpair[@name='drain']"]);
  await testbed.settle();
  const cut = await moveWithCalls(testbed, 7002);
  console.log(`of ${COUNT} calls, ${drained.cut} were cut with drain, and ${cut.cut} without`);
  assert.ok(cut.cut > 0, 'without drain, calls are cut');
  assert.equal((await testbed.state()).failures, []);
});

run();
