import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { descriptorTargets } from '../../src/process/descriptors.ts';
import { readPolls } from '../../src/watch/state.ts';
import { rpc } from '../drain/support.ts';
import { allTransports, ownCertificate, webSockets } from '../health/support.ts';
import { assertCall } from '../support/calls.ts';
import { type InstanceOptions, pause, type TestInstance, until } from '../support/instance.ts';
import { signalAll } from '../support/processes.ts';
import { NODE, RESOURCE, type WatchedInstance, withWatched } from './support.ts';

const SIP = { watch: 'sip', watch_timeout: '2' };
const REPORT = `--fail --resource ${RESOURCE} --node ${NODE}`;

/** The polls of one transport in the last minute, as the watcher writes them down. */
function polls({ pidfile, port }: TestInstance, transport: string): { answered: number; sent: number } {
  const line = new RegExp(`^${transport}:127\\.0\\.0\\.1:${port}: (\\d+) of (\\d+) polls answered`, 'm');
  const [, answered, sent] = line.exec(readPolls(pidfile) ?? '') ?? [];
  return { answered: Number(answered ?? 0), sent: Number(sent ?? 0) };
}

/** The sockets that a watcher has open. */
function sockets(pid: number): string[] {
  return descriptorTargets(pid)
    .filter((target) => target.startsWith('socket:'))
    .sort();
}

/** Runs `body` with a Kamailio whose watcher polls, and has been answered over each transport. */
async function withPolled(
  options: InstanceOptions,
  body: (watched: WatchedInstance, watcher: number) => Promise<void>,
  params: Readonly<Record<string, string>> = SIP,
): Promise<void> {
  await withWatched(async (watched) => {
    assertCall(await watched.act('start', params), 0);
    const pid = await watched.untilWatched();
    const transports = (options.params?.proto ?? 'udptcp').match(/udp|tcp/g) ?? [];
    await until(
      () => transports.every((one) => polls(watched.instance, one).answered > 0),
      'each transport answers',
    );
    await body(watched, pid);
  }, options);
}

test('a healthy Kamailio is polled over each transport, on sockets that are kept, and diagnose shows the round trips', () =>
  withPolled({}, async (watched, pid) => {
    const before = sockets(pid);
    assert.is(before.length, 2);
    const { sent } = polls(watched.instance, 'tcp');
    await until(() => polls(watched.instance, 'tcp').sent >= sent + 3, 'it goes on');
    assert.equal(sockets(pid), before);
    const { stdout } = await watched.act('diagnose', SIP);
    const figures = String.raw`udp:127\.0\.0\.1:${watched.instance.port}: \d+ of \d+ polls answered in the last minute, round trip \d+\.\d ms \(95 %: `;
    assert.match(stdout, new RegExp(`ok +watcher +pid ${pid}, .*${figures}`));
    const kib = Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    assert.ok(kib > 0 && kib <= 20_480, `${kib} KiB`);
    assertCall(await watched.act('stop'), 0);
    assert.equal(watched.reports(), []);
  }));

test('TLS and IPv6 are polled as well, on connections that are opened again when Kamailio has closed them', () =>
  withWatched(async (watched) => {
    const { port } = watched.instance;
    const params = { ...SIP, probes: `tls:127.0.0.1:${port + 1} udp:[::1]:${port} tcp:[::1]:${port}` };
    assertCall(await watched.act('start', params), 0);
    const pid = await watched.untilWatched();
    const answered = () =>
      [...(readPolls(watched.instance.pidfile) ?? '').matchAll(/^(\S+): (\d+) of \d+ polls answered/gm)].map(
        ([, name, count]) => [name, Number(count)] as const,
      );
    const untilMore = async (than: number) =>
      until(() => answered().length === 3 && answered().every(([, count]) => count > than), 'each answers');
    await untilMore(1);
    const names = answered().map(([name]) => name);
    assert.equal(names, [`tls:127.0.0.1:${port + 1}`, `udp:[::1]:${port}`, `tcp:[::1]:${port}`]);
    const before = Math.max(...answered().map(([, count]) => count));
    // `ss -K` ends the connections of this port under both sides.
    for (const one of [port, port + 1]) spawnSync('ss', ['-K', 'dport', '=', `:${one}`]);
    await untilMore(before + 2);
    assert.equal(watched.watchers(), [pid]);
    assert.equal(watched.reports(), []);
    signalAll(watched.instance.pids(), 'SIGSTOP');
    await until(() => watched.reports().length > 0, 'a hang is reported');
  }, allTransports()));

test('WebSockets are polled on connections that are kept, opened again when Kamailio has closed them, and a hang is reported', () =>
  withWatched(async (watched) => {
    const { instance } = watched;
    const probes = `ws:127.0.0.1:${instance.port}/sip?v=1 wss:127.0.0.1:${instance.port + 1}`;
    assertCall(await watched.act('start', { ...SIP, probes, ...ownCertificate(instance) }), 0);
    const pid = await watched.untilWatched();
    const answered = () =>
      [...(readPolls(instance.pidfile) ?? '').matchAll(/^wss?:\S+: (\d+) of \d+ polls answered/gm)].map(
        ([, count]) => Number(count),
      );
    const untilMore = async (than: number) =>
      until(() => answered().length === 2 && answered().every((count) => count > than), 'each answers');
    await untilMore(0);
    const before = sockets(pid);
    await untilMore(Math.max(...answered()) + 1);
    assert.equal(sockets(pid), before);
    for (const port of [instance.port, instance.port + 1]) spawnSync('ss', ['-K', 'dport', '=', `:${port}`]);
    await untilMore(Math.max(...answered()) + 1);
    assert.equal(watched.watchers(), [pid]);
    assert.equal(watched.reports(), []);
    signalAll(instance.pids(), 'SIGSTOP');
    await until(() => watched.reports().length > 0, 'a hang is reported');
  }, webSockets()));

test('a Kamailio that hangs is reported, and one that crashes as well', () =>
  withPolled({}, async (watched) => {
    signalAll(watched.instance.pids(), 'SIGSTOP');
    await until(() => watched.reports().length > 0, 'the hang is reported');
    await until(
      () => /(udp|tcp):127\.0\.0\.1:\d+ has not answered for \d+\.\d s; reporting/.test(watched.log()),
      'the log says so',
    );
    assert.equal(watched.reports(), [REPORT]);
    assertCall(await watched.act('stop', SIP), 0);
    assertCall(await watched.act('start', SIP), 0);
    await watched.untilWatched();
    signalAll(watched.instance.pids(), 'SIGKILL');
    await until(() => watched.reports().length > 1, 'the crash is reported');
  }));

/** Answers over UDP alone are held up, by a sleep in the route, once the file `hold` makes it do so. */
const UDP_HANGS = {
  config: 'loadmodule "cfgutils.so"\nmodparam("cfgutils", "initial_probability", 0)',
  route: `if (proto==UDP && $rU == "hold") { sleep("600"); }
  sl_send_reply("200", "OK");`,
};

test('a Kamailio that hangs over UDP alone is reported, and the report names the socket', () =>
  withPolled(UDP_HANGS, async (watched) => {
    const { port } = watched.instance;
    const socket = createSocket('udp4');
    // Each of its two UDP workers gets one that holds it.
    const hold = `OPTIONS sip:hold@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nMax-Forwards: 9\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n`;
    try {
      for (let sent = 0; sent < 8; sent += 1) socket.send(hold, port, '127.0.0.1');
      await until(() => watched.reports().length > 0, 'it is reported');
      await until(
        () => watched.log().includes(`udp:127.0.0.1:${port} has not answered for`),
        'the log names it',
      );
      await until(() => readPolls(watched.instance.pidfile) === undefined, 'what it wrote is removed');
    } finally {
      socket.close();
    }
  }));

test('a Kamailio that an operator drains is not reported, for any answer is a sign of life', () =>
  withPolled(
    { route: 'sl_send_reply("503", "Draining");', params: { probe_drained: '503' } },
    async (watched, pid) => {
      const { answered } = polls(watched.instance, 'udp');
      // Longer than watch_timeout.
      await until(() => polls(watched.instance, 'udp').answered >= answered + 5, 'it answers on');
      assert.equal(watched.reports(), []);
      assertCall(await watched.act('monitor', SIP), 190, /draining, it answers 503/);
      assert.equal(watched.watchers(), [pid]);
    },
  ));

test('a Kamailio that is slow but answers is not reported', () =>
  withPolled(
    {
      params: { proto: 'udp', probe_timeout: '5' },
      config: 'children=8\nloadmodule "cfgutils.so"',
      route: 'usleep("1500000"); sl_send_reply("200", "OK");',
    },
    async (watched) => {
      await until(() => polls(watched.instance, 'udp').answered >= 6, 'six polls are answered');
      assert.equal(watched.reports(), []);
    },
    // More than an answer takes on a busy machine.
    { ...SIP, watch_timeout: '4' },
  ));

test('an answer other than 200 is an answer', () =>
  withPolled({}, async (watched) => {
    assertCall(await watched.act('reload-agent', { ...SIP, probe_user: 'nobody' }), 0);
    await until(() => polls(watched.instance, 'udp').answered >= 4, 'it is answered with 404');
    assert.equal(watched.reports(), []);
  }));

test('the watcher follows probe_uri and probes=none, as the monitor does', () =>
  withWatched(
    async (watched) => {
      const params = { ...SIP, probe_uri: 'sip:sip.example.org' };
      assertCall(await watched.act('start', params), 0);
      const first = await watched.untilWatched();
      await until(() => polls(watched.instance, 'udp').answered >= 2, 'it is answered');
      assertCall(await watched.act('reload-agent', { ...SIP, probes: 'none' }), 0);
      const second = await watched.untilWatched();
      assert.is.not(second, first);
      await until(() => readPolls(watched.instance.pidfile)?.split('\n').length === 1, 'it polls nothing');
      assertCall(await watched.act('monitor', { ...SIP, probes: 'none' }), 0);
      assertCall(await watched.act('reload-agent', { ...params, probe_uri: 'sip:other.example.org' }), 0);
      assert.is.not(await watched.untilWatched(), second);
      await until(() => watched.reports().length > 0, 'a URI that gets no answer is reported');
    },
    { route: 'if ($ru == "sip:sip.example.org") { sl_send_reply("200", "OK"); }\n  exit;' },
  ));

test('a Kamailio under more load than it can take is not reported, however many polls it loses', () =>
  withPolled(
    {
      params: { proto: 'udp' },
      config: 'children=1\nloadmodule "cfgutils.so"',
      route: 'if ($rU == "load") { usleep("5000"); exit; }\n  sl_send_reply("200", "OK");',
    },
    async (watched) => {
      const { port } = watched.instance;
      const socket = createSocket('udp4');
      const padding = 'x'.repeat(800);
      const load = `OPTIONS sip:load@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nMax-Forwards: 9\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nSubject: ${padding}\r\nContent-Length: 0\r\n\r\n`;
      const flood = setInterval(() => {
        for (let sent = 0; sent < 20; sent += 1) socket.send(load, port, '127.0.0.1');
      }, 5);
      try {
        const { sent } = polls(watched.instance, 'udp');
        await until(() => polls(watched.instance, 'udp').sent >= sent + 10, 'ten polls are sent');
        // How many are lost is a matter of the machine.
        assert.equal(watched.reports(), []);
      } finally {
        clearInterval(flood);
        socket.close();
      }
    },
  ));

test('settings that are changed at run time are not reported, and polls are answered as before', () =>
  withPolled({ config: 'loadmodule "cfg_rpc.so"' }, async (watched, pid) => {
    const { instance } = watched;
    for (const [group, name, value] of [
      ['core', 'debug', 3],
      ['tcp', 'connection_lifetime', 1],
      ['tcp', 'send_timeout', 1],
    ] as const)
      await rpc(instance, 'cfg.set_now_int', group, name, value);
    for (const transport of ['udp', 'tcp']) {
      const { answered } = polls(instance, transport);
      await until(() => polls(instance, transport).answered > answered + 4, `${transport} goes on`);
    }
    assert.equal(watched.reports(), []);
    assert.equal(watched.watchers(), [pid]);
  }));

test('a Kamailio at its limit of TCP connections is not reported', () =>
  withWatched(
    async (watched) => {
      assertCall(await watched.act('start', { watch: 'off' }), 0);
      const held = Array.from({ length: 8 }, () =>
        connect(watched.instance.port, '127.0.0.1').on('error', () => {}),
      );
      try {
        await until(() => held.some(({ closed }) => closed), 'those above the limit are closed');
        assertCall(await watched.act('reload-agent', SIP), 0);
        await watched.untilWatched();
        await until(() => polls(watched.instance, 'tcp').sent >= 6, 'six polls are sent');
        assert.is(polls(watched.instance, 'tcp').answered, 0);
        assert.equal(watched.reports(), []);
      } finally {
        for (const socket of held) socket.destroy();
      }
    },
    { config: 'tcp_max_connections=4' },
  ));

for (const [what, alsoKamailio] of [
  ['a watcher that was stopped for longer than watch_timeout', false],
  ['the watcher of a machine that was suspended, Kamailio with it,', true],
] as const)
  test(`${what} reports nothing when it goes on`, () =>
    withPolled({}, async (watched, pid) => {
      const monotonic = () => Number((readPolls(watched.instance.pidfile) ?? '').split('\n')[0]);
      const stopped = [pid, ...(alsoKamailio ? watched.instance.pids() : [])];
      signalAll(stopped, 'SIGSTOP');
      const stoppedAt = monotonic();
      await pause(4000);
      signalAll(stopped, 'SIGCONT');
      const { answered } = polls(watched.instance, 'udp');
      await until(
        () => monotonic() > stoppedAt && polls(watched.instance, 'udp').answered > answered,
        'it goes on',
      );
      assert.equal(watched.reports(), []);
      assert.equal(watched.watchers(), [pid]);
    }));

const [FAKETIME] = globSync('/usr/lib/*/faketime/libfaketime.so.1');

if (FAKETIME === undefined)
  test.skip('a clock that is set makes no watcher report anything (libfaketime is missing: libfaketime)');
else
  test('a clock that is set makes no watcher report anything', () =>
    withWatched(async (watched) => {
      const clock = join(watched.instance.directory, 'clock');
      const env = {
        LD_PRELOAD: FAKETIME,
        FAKETIME_TIMESTAMP_FILE: clock,
        FAKETIME_NO_CACHE: '1',
        // What nobody can set (CLOCK_MONOTONIC) stays as it is.
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      };
      writeFileSync(clock, '+0');
      assertCall(await watched.act('start', SIP, { env }), 0);
      const pid = await watched.untilWatched();
      for (const time of ['+1h', '-1d', '+0']) {
        writeFileSync(clock, time);
        const { answered } = polls(watched.instance, 'tcp');
        await until(() => polls(watched.instance, 'tcp').answered >= answered + 3, 'it goes on');
      }
      assert.match(readFileSync(`/proc/${pid}/maps`, 'utf8'), 'libfaketime');
      assert.equal(watched.reports(), []);
      assert.equal(watched.watchers(), [pid]);
    }));

test('a hang that ends by itself while it could not be reported is forgotten', () =>
  withPolled({}, async (watched, pid) => {
    watched.setAttributes({ managed: 'false' });
    signalAll(watched.instance.pids(), 'SIGSTOP');
    await until(
      () => /has not answered for .*not reported yet: the resource is not managed/.test(watched.log()),
      'it is seen',
    );
    signalAll(watched.instance.pids(), 'SIGCONT');
    await until(() => /watches the Kamailio that runs now/.test(watched.log()), 'it answers again');
    watched.setAttributes({});
    const { answered } = polls(watched.instance, 'udp');
    await until(() => polls(watched.instance, 'udp').answered >= answered + 2, 'it goes on');
    assert.equal(watched.reports(), []);
    assert.equal(watched.watchers(), [pid]);
  }));

test('reload-agent re-tunes the watcher: another watch_timeout, another watch', () =>
  withPolled({}, async (watched, first) => {
    assertCall(await watched.act('reload-agent', { ...SIP, watch_timeout: '4' }), 0);
    const second = await watched.untilWatched();
    assert.is.not(second, first);
    assertCall(await watched.act('reload-agent', { watch: 'process', watch_timeout: '4' }), 0);
    const third = await watched.untilWatched();
    assert.is.not(third, second);
    assertCall(await watched.act('reload-agent', { watch: 'process', watch_timeout: '5' }), 0);
    assert.is(await watched.untilWatched(), third, 'watch=process does not use it');
    assert.equal(watched.reports(), []);
  }));

test.run();
