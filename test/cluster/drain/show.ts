/**
 * Shows a planned move in a cluster of three nodes on this machine, with and without parameter drain: how many of the
 * running calls are cut. The demo runs it: `npm run demo -- drain`.
 */
import { whyNoTestbed } from '../testbed/needs.ts';
import { openTestbed } from '../testbed/open.ts';
import { COUNT, callsOf, createPlatform, follow, moveWithCalls, SECONDS } from './planned-move.ts';

async function main(): Promise<number> {
  const why = whyNoTestbed();
  if (why !== undefined) {
    console.log(`This machine cannot have the cluster: ${why}`);
    return 1;
  }
  const testbed = await openTestbed();
  try {
    await createPlatform(testbed);
    const calls = `${COUNT} calls of ${SECONDS} s`;
    console.log(
      `Three nodes, Kamailio on one, which holds its calls in memory alone. SIPp makes ${calls}.\n`,
    );
    console.log('Without drain: the node with the calls is put into standby.');
    const before = await moveWithCalls(testbed, 7001);
    console.log(`  ${before.cut} of ${COUNT} calls are cut.\n`);
    await follow(before.from, 'crm_standby --node "$(crm_node -n)" --update off');
    await follow(before.to, 'pcs resource update');
    await testbed.settle();
    console.log('With drain="cfg.set_now_int drain active 1": the same again.');
    const after = await moveWithCalls(testbed, 7002, async (from) => {
      await testbed.waitFor(async () => !(await testbed.answers()), 'new calls are refused');
      console.log(`  New calls are refused with 503; diagnose counts ${await callsOf(from)} that go on.`);
    });
    for (const [, line] of after.log.matchAll(/^kamailio\(\S+\s+\w+ \d+ \S+ (\w+: .*drain.*)$/gm))
      console.log(`  log: ${line}`);
    console.log(`  ${after.cut} of ${COUNT} calls are cut. Kamailio is on ${after.to.name} now.`);
    return after.cut === 0 ? 0 : 1;
  } finally {
    await testbed.close();
  }
}

process.exitCode = await main();
