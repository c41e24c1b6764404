import * as assert from 'uvu/assert';
import { withJournals } from './testbed/journal.ts';
import { createKamailio, exampleFile, KAMAILIO } from './testbed/kamailio.ts';
import { AGENT_PATH, type TestbedNode } from './testbed/node.ts';
import { clusterSuite } from './testbed/suite.ts';
import type { Testbed } from './testbed/testbed.ts';

const { test, run } = clusterSuite('journal');

/** On a busy machine journalctl may take longer than the second that the agent gives it. */
const TRIES = 4;

/**
 * Breaks a Kamailio, again where its journal was too slow, until the reason of the failed monitor quotes it. `breakIt`
 * returns the words, `mendIt` puts right what the next start needs. Returns the node and the words.
 */
async function untilQuoted(
  testbed: Testbed,
  breakIt: (node: TestbedNode) => Promise<RegExp>,
  mendIt: (node: TestbedNode) => Promise<unknown> = async () => {},
): Promise<{ node: TestbedNode; words: RegExp }> {
  const seen: string[] = [];
  while (seen.length < TRIES) {
    const node = await testbed.untilRunning(KAMAILIO);
    const words = await breakIt(node);
    const { reason } = await testbed.waitFor(
      async () => (await testbed.state()).failures.find(({ task }) => task === 'monitor'),
      'a monitor has failed',
    );
    if (new RegExp(`its log: .*(${words.source})`).test(reason)) return { node, words };
    seen.push(reason);
    await mendIt(node);
    await testbed.settle();
    await testbed.command(['crm_resource', '--cleanup', '--resource', KAMAILIO]);
    await testbed.settle();
  }
  throw new Error(`no reason quotes Kamailio: ${seen.join('\n')}`);
}

/** crm_mon and diagnose show the words to a person. */
async function assertShown(testbed: Testbed, node: TestbedNode, words: RegExp): Promise<void> {
  assert.match(await testbed.command(['crm_mon', '-1']), words);
  const { stdout } = await node.run([AGENT_PATH, 'diagnose', KAMAILIO]);
  assert.match(stdout, new RegExp(`history .* ended with [17]: .*(${words.source})`));
  await testbed.waitFor(async () => {
    const again = await node.run([AGENT_PATH, 'diagnose', KAMAILIO]);
    return new RegExp(`Kamailio's log .*(${words.source})`).test(again.stdout);
  }, 'diagnose quotes the journal');
}

test("after a worker's signal 11 crm_mon and diagnose show Kamailio's own words", (testbed) =>
  withJournals(testbed, async () => {
    await createKamailio(testbed, { monitorInterval: 1 });
    const { node, words } = await untilQuoted(testbed, async (one) => {
      const worker = (await one.mustRun(['pgrep', '-n', '-x', 'kamailio'])).trim();
      await one.mustRun(['kill', '-SEGV', worker]);
      return new RegExp(`child process ${worker} exited by a signal 11`);
    });
    await testbed.settle();
    await assertShown(testbed, node, words);
  }));

/** The poll writes into a database, and is refused if it cannot. */
const POLLS_A_DATABASE = exampleFile('kamailio.cfg')
  .replace(
    'loadmodule "jsonrpcs.so"',
    'loadmodule "jsonrpcs.so"\nloadmodule "db_sqlite.so"\nloadmodule "sqlops.so"\nmodparam("sqlops", "sqlcon", "db=>sqlite:////run/kamailio/db/polls")',
  )
  .replace(
    'sl_send_reply("200", "OK");',
    `if (!sql_query("db", "insert into polls values (1)")) { sl_send_reply("500", "Database"); exit; }
        sl_send_reply("200", "OK");`,
  );
const MAKE_DATABASE =
  'mkdir -p /run/kamailio/db; sqlite3 /run/kamailio/db/polls "create table if not exists polls (n int)"; chown -R kamailio /run/kamailio/db';

test("after its database went away crm_mon and diagnose show Kamailio's own words", (testbed) =>
  withJournals(testbed, async () => {
    const makeDatabase = (node: TestbedNode) => node.mustRun(['sh', '-ec', MAKE_DATABASE]);
    for (const node of testbed.nodes) {
      await node.write('/etc/kamailio/kamailio.cfg', POLLS_A_DATABASE);
      await makeDatabase(node);
    }
    // One poll at a time: two would lock the database for each other.
    await createKamailio(testbed, { monitorInterval: 1, params: { proto: 'udp' } });
    const { node, words } = await untilQuoted(
      testbed,
      async (one) => {
        await one.mustRun(['rm', '-r', '/run/kamailio/db']);
        // The last is what the start says by which the cluster recovers.
        return /attempt to write a readonly database|cannot do the query|failed to connect to the database/;
      },
      makeDatabase,
    );
    await assertShown(testbed, node, words);
  }));

run();
