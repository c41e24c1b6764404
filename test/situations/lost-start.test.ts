import { createSocket, type Socket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { openDatabase } from '../support/database.ts';
import { type TestInstance, until } from '../support/instance.ts';
import { agentWithMounts, canMount } from '../support/mounts.ts';
import { freePort } from '../support/ports.ts';
import { commandLine, processesNaming } from '../support/processes.ts';

/** Each worker needs the database on this port to come up. */
function database(port: number): string {
  return `loadmodule "db_postgres.so"
loadmodule "auth.so"
loadmodule "auth_db.so"
modparam("auth_db", "db_url", "postgres://kamailio:secret@127.0.0.1:${port}/kamailio")`;
}

/** A database that is not there: nothing listens on port 1. */
const DATABASE = database(1);

/** The operation's timeout, long enough that nobody takes its end for an early failure. */
const LONG = { CRM_meta_timeout: '60000' };
/** What is tried again is so for half of the time. */
const SHORT = { CRM_meta_timeout: '20000' };

const AGAIN = /^WARNING: launching Kamailio again, /m;

function assertNothingRuns(instance: TestInstance): void {
  assert.equal([...processesNaming(instance.pidfile)], [], 'a start that fails leaves nothing running');
}

for (let round = 1; round <= 3; round += 1) {
  // Whether the main process ends or waits for ever is a matter of milliseconds: both happen.
  test(`a start whose database is down ends long before its timeout, with the database's error (${round})`, () =>
    withInstance({ config: DATABASE }, async (instance) => {
      const started = await call(instance, 'start', round === 1 ? LONG : SHORT);
      assertCall(started, 1, /connection to server at "127\.0\.0\.1", port 1 failed: Connection refused/);
      assert.not.match(started.reason, /does not serve in time/);
      assert.match(started.reason.slice(0, 180), /Connection refused/, 'the cause goes first');
      if (round === 1) assert.match(started.stderr, AGAIN, 'the database might have come up');
      assertNothingRuns(instance);
    }));
}

/** Whether the agent repeats a failed launch in the foreground, to hear why. */
function isRepeated({ pidfile }: TestInstance): boolean {
  return [...processesNaming(pidfile).values()].some((words) => words.includes('-DD'));
}

for (const [when, isTime] of [
  ['while a failed launch is repeated in the foreground', isRepeated],
  ['after a failed launch and its repetition', (instance: TestInstance) => !isRepeated(instance)],
] as const) {
  test(`a database that comes up ${when} makes the start succeed`, async () => {
    const port = await freePort();
    await withInstance({ config: database(port) }, async (instance) => {
      const starting = call(instance, 'start', LONG);
      await until(() => isRepeated(instance), 'the first launch has failed');
      await until(() => isTime(instance), 'it is time for the database to come up');
      const close = await openDatabase(port);
      try {
        const started = await starting;
        assertCall(started, 0);
        assert.match(started.stderr, AGAIN);
        assert.not(commandLine(instance.mainPid()).includes('-DD'), 'the command line is the usual one');
        assertCall(await call(instance, 'monitor'), 0);
        assertCall(await call(instance, 'stop'), 0);
        assertNothingRuns(instance);
      } finally {
        close();
      }
    });
  });
}

for (const [what, code, config] of [
  ['kamailio.cfg is rejected', 2, 'not_a_parameter=1'],
  ['a module refuses its parameters', 1, 'modparam("jsonrpcs", "transport", 1)'],
] as const) {
  test(`a start is not tried again if ${what}: that does not pass`, () =>
    withInstance({ config }, async (instance) => {
      const started = await call(instance, 'start', LONG);
      assertCall(started, code);
      assert.not.match(started.stderr, AGAIN);
      assertNothingRuns(instance);
    }));
}

(canMount ? test : test.skip)(
  'name servers that are silent are named, with what keeps Kamailio from asking them',
  () =>
    withInstance(
      { params: { listen_address: '127.0.0.9' }, config: 'auto_aliases=yes\ndns=yes' },
      async (instance) => {
        const servers = await Promise.all(['127.0.53.1', '127.0.53.2'].map(silentNameServer));
        try {
          const limitMs = 20_000;
          const agent = withNameServers(instance, ['127.0.53.1', '127.0.53.2']);
          const started = await call(
            instance,
            'start',
            { CRM_meta_timeout: String(limitMs) },
            { agent, limitMs },
          );
          assertCall(
            started,
            1,
            /^Kamailio was started but does not serve in time: it waits for the DNS, and 127\.0\.53\.1[^;]* not answer; write auto_aliases=no into /,
          );
          assertNothingRuns(instance);
        } finally {
          for (const server of servers) server.close();
        }
      },
    ),
);

async function silentNameServer(address: string): Promise<Socket> {
  const server = createSocket('udp4');
  await new Promise<void>((resolve, reject) => server.on('error', reject).bind(53, address, resolve));
  return server;
}

/** The agent on a node with a resolv.conf of its own. */
function withNameServers({ directory }: TestInstance, servers: readonly string[]): string {
  const resolvConf = join(directory, 'resolv.conf');
  writeFileSync(resolvConf, servers.map((server) => `nameserver ${server}\n`).join(''));
  return agentWithMounts(directory, `mount --bind "${resolvConf}" /etc/resolv.conf`);
}

test('a Kamailio in the foreground (fork=no) is reported at once, with the line to remove', () =>
  withInstance({ config: 'fork=no' }, async (instance) => {
    const started = await call(instance, 'start', LONG);
    assertCall(started, 1, /stays in the foreground and writes no pidfile; remove `fork=no` from /);
    assertNothingRuns(instance);
  }));

test('a Kamailio in the foreground by -DD, with a pidfile, works as before', () =>
  withInstance({ params: { extra_options: '-DD' } }, async (instance) => {
    assertCall(await call(instance, 'start', LONG), 0);
    assertCall(await call(instance, 'monitor'), 0);
    assertCall(await call(instance, 'stop'), 0);
    assertNothingRuns(instance);
  }));

test('a Kamailio that refuses every poll with the same 404 fails the start before its timeout', () =>
  withInstance({ route: 'sl_send_reply("404", "Not here");' }, async (instance) => {
    const started = await call(instance, 'start', LONG);
    assertCall(
      started,
      1,
      /^Kamailio was started and has refused every poll for 5 s: .* with 404 Not here; kamailio\.cfg must/,
    );
    assertNothingRuns(instance);
  }));

/** Counts up in each worker's shared memory, and answers with 200 from the moment on that a file is there. */
function answersAfter(reply: string): string {
  return `if ($Ts - $shv(born) < 7) {
    ${reply}
    exit;
  }
  sl_send_reply("200", "OK");`;
}
const BORN = `modparam("pv", "shvset", "born=i:0")`;

for (const [what, reply] of [
  ['answers 503 for 7 s', 'sl_send_reply("503", "Not ready");'],
  ['is silent for 7 s', ''],
] as const) {
  test(`a Kamailio that ${what}, as one that loads, still starts`, () =>
    withInstance(
      {
        config: BORN,
        route: `if ($shv(born) == 0) $shv(born) = $Ts;
  ${answersAfter(reply)}`,
      },
      async (instance) => {
        assertCall(await call(instance, 'start', LONG), 0);
        assertCall(await call(instance, 'stop'), 0);
      },
    ));
}

test('pike with 16 requests in 2 s bans nobody during a start that is answered with 503 for 7 s', () =>
  withInstance(
    {
      config: `${BORN}
loadmodule "pike.so"
modparam("pike", "sampling_time_unit", 2)
modparam("pike", "reqs_density_per_unit", 16)
modparam("pike", "remove_latency", 60)`,
      route: `if (!pike_check_req()) { exit; }
  if ($shv(born) == 0) $shv(born) = $Ts;
  ${answersAfter('sl_send_reply("503", "Not ready");')}`,
    },
    async (instance) => {
      assertCall(await call(instance, 'start', LONG), 0);
      assertCall(await call(instance, 'monitor'), 0);
      assertCall(await call(instance, 'stop'), 0);
    },
  ));

test.run();
