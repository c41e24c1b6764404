import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { constants, copyFileSync, mkdirSync, rmSync, utimesSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { pause, type TestInstance } from '../support/instance.ts';
import { isAlive } from '../support/processes.ts';

const TABLES = '/usr/share/kamailio/dbtext/kamailio';
/** Longer than the 3 s after which a stop of 1.0.0 kills, shorter than a third of the usual grace of 25 s. ms */
const LATE_MS = 4500;

/** A registrar that keeps its contacts in memory and writes them to its database in its shutdown. */
const REGISTRAR = {
  route: `if (is_method("REGISTER")) {
    save("location");
    exit;
  }
  sl_send_reply("200", "OK");`,
  config: (_port: number, directory: string) => `loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "db_text.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
modparam("usrloc", "db_url", "text://${directory}/db")
modparam("usrloc", "db_mode", 2)
modparam("usrloc", "timer_interval", 3600)`,
};

/** Starts a registrar with one contact, whose database then answers nothing until somebody reads it. */
async function withSlowDatabase(
  body: (instance: TestInstance, location: string) => Promise<void>,
): Promise<void> {
  await withInstance(REGISTRAR, async (instance) => {
    const db = join(instance.directory, 'db');
    const location = join(db, 'location');
    mkdirSync(db);
    for (const table of ['location', 'location_attrs', 'version'])
      copyFileSync(join(TABLES, table), join(db, table));
    assertCall(await call(instance, 'start'), 0);
    await register(instance.port);
    rmSync(location);
    // A FIFO holds its writer up until it has a reader. An old one, or Kamailio would load it first.
    execFileSync('mkfifo', [location]);
    utimesSync(location, 1, 1);
    await body(instance, location);
  });
}

/** Registers one contact and waits for the 200. */
async function register(port: number): Promise<void> {
  const socket = createSocket('udp4');
  const answered = new Promise<string>((resolve) =>
    socket.once('message', (reply) => resolve(String(reply))),
  );
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const own = `127.0.0.1:${socket.address().port}`;
  const request = [
    'REGISTER sip:127.0.0.1 SIP/2.0',
    `Via: SIP/2.0/UDP ${own};branch=z9hG4bKslow`,
    'From: <sip:caller@127.0.0.1>;tag=1',
    'To: <sip:caller@127.0.0.1>',
    `Call-ID: slow@${own}`,
    'CSeq: 1 REGISTER',
    `Contact: <sip:caller@${own}>`,
    'Expires: 3600',
    'Content-Length: 0',
  ];
  socket.send(`${request.join('\r\n')}\r\n\r\n`, port, '127.0.0.1');
  assert.match(await answered, /^SIP\/2\.0 200 /);
  socket.close();
}

/** Reads all that Kamailio writes into its database, from `LATE_MS` on. */
async function answerLate(location: string): Promise<string> {
  await pause(LATE_MS);
  const reader = await open(location, constants.O_RDONLY | constants.O_NONBLOCK);
  let text = '';
  for (const end = Date.now() + 5000; !text.includes('caller') && Date.now() < end; await pause(20)) {
    const { buffer, bytesRead } = await reader.read(Buffer.alloc(65_536), 0, 65_536).catch(() => NOTHING_YET);
    text += buffer.toString('utf8', 0, bytesRead);
  }
  await reader.close();
  return text;
}

const NOTHING_YET = { buffer: Buffer.alloc(0), bytesRead: 0 };

async function assertRegistrationsSaved(params: Readonly<Record<string, string>>): Promise<void> {
  await withSlowDatabase(async (instance, location) => {
    const [stopped, written] = await Promise.all([call(instance, 'stop', params), answerLate(location)]);
    assertCall(stopped, 0);
    assert.not.match(stopped.stderr, /killed/);
    assert.match(written, /:caller:/, 'the registration is in the database');
    assert.equal(instance.pids(), []);
  });
}

// At the same time, for all of them wait.
test('a Kamailio that waits for one late answer of its database saves its registrations', async () => {
  await Promise.all([
    // A third of the grace.
    assertRegistrationsSaved({}),
    // Of a short one it would be 3 s, but an explicit grace holds.
    assertRegistrationsSaved({ stop_grace: '8', CRM_meta_timeout: '12000' }),
  ]);
});

test('a Kamailio whose database never answers is killed within the operation, whatever stop_grace says', () =>
  withSlowDatabase(async (instance) => {
    const main = instance.mainPid();
    const limitMs = 3000;
    const params = { stop_grace: '60', CRM_meta_timeout: String(limitMs) };
    const stopped = await call(instance, 'stop', params, { limitMs });
    assertCall(stopped, 0);
    assert.match(
      stopped.stderr,
      /was killed: it was still terminating when its grace \(stop_grace\) was over/,
    );
    assert.not(isAlive(main));
  }));

test.run();
