import * as assert from 'uvu/assert';
import { kamailios, mainPid, strike, watchers } from './on-node.ts';
import { KAMAILIO } from './testbed/kamailio.ts';
import { endRemote, makeRemote, obtainDaemon } from './testbed/remote.ts';
import { clusterSuite } from './testbed/suite.ts';

const { test, skip, run } = clusterSuite('remote node');

const FAR = 'far';
const daemon = obtainDaemon();

const title = 'on a Pacemaker remote node a crash is recovered at once, and an intended stop is not reported';

if (daemon === undefined) skip(title, 'the package source has no pacemaker-remote');
else
  test(title, async (testbed) => {
    const node = testbed.node(3);
    await makeRemote(testbed, node, FAR, daemon);
    try {
      // Far more rarely than any test: what is recovered was reported by the watcher.
      await testbed.createKamailio({ params: { watch: 'process' }, monitorInterval: 600, wait: false });
      const prefer = `<rsc_location id="prefer-far" rsc="sip" node="${FAR}" score="INFINITY"/>`;
      await testbed.command(['cibadmin', '--create', '--scope', 'constraints', '--xml-text', prefer]);
      await testbed.waitFor(async () => {
        const { resources } = await testbed.state();
        return resources.some(({ id, active, nodes }) => id === KAMAILIO && active && nodes.includes(FAR));
      }, 'Kamailio runs there');
      await testbed.waitFor(async () => (await watchers(node)).length === 1, 'its watcher runs');
      // A monitor in flight would see the crash, too.
      await testbed.settle();
      const before = await mainPid(node);
      await strike(node, 'KILL');
      await testbed.waitFor(async () => {
        const now = await mainPid(node);
        return /^\d+$/.test(now) && now !== before && (await testbed.answers());
      }, 'it is recovered there');
      await testbed.waitFor(async () => (await watchers(node)).length === 1, 'the next watcher runs');
      // From a remote node the cluster takes no failure: it was asked to look again, and counts nothing.
      assert.equal((await testbed.state()).failures, []);
      await testbed.command(['crm_resource', '-r', 'sip', '--meta', '-p', 'target-role', '-v', 'Stopped']);
      await testbed.waitFor(async () => (await watchers(node)).length === 0, 'the stop ends the watcher');
      await testbed.waitFor(async () => (await kamailios(node)).length === 0, 'the stop ends Kamailio');
      await testbed.settle();
      assert.equal(await kamailios(node), [], 'nobody has it started again');
    } finally {
      for (const scope of ['constraints', 'resources'])
        await testbed.command(['cibadmin', '--replace', '--scope', scope, '--xml-text', `<${scope}/>`]);
      await endRemote(testbed, node);
    }
  });

run();
