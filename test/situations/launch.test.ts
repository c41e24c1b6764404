import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertCall, call, withInstance } from '../support/calls.ts';
import type { TestInstance } from '../support/instance.ts';
import { processesNaming } from '../support/processes.ts';
import { withStandIn } from '../support/stand-in.ts';

function assertNothingRuns(instance: TestInstance): void {
  assert.equal([...processesNaming(instance.pidfile)], [], 'a start that fails leaves nothing running');
}

/** Binds a plain UDP socket, without SO_REUSEADDR: Linux lets two sockets that both have it share a port. */
async function holdUdpPort(port: number, address = '127.0.0.1'): Promise<() => void> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.bind(port, address, resolve);
  });
  return () => socket.close();
}

test('a TCP port that another Kamailio holds is named, with its holder', () =>
  withInstance({}, (holder) =>
    withInstance({ params: { proto: 'tcp' } }, async (instance) => {
      assertCall(await call(holder, 'start'), 0);
      const pids = holder.pids();
      const port = String(holder.port);
      const started = await call(instance, 'start', { port });
      assertCall(
        started,
        1,
        /Address already in use/,
        new RegExp(
          `in use: .*tcp:127\\.0\\.0\\.1:${port} by pid \\d+ \\(/usr/sbin/kamailio, pidfile ${holder.pidfile}`,
        ),
        /see its log, and end what holds the socket$/,
      );
      assert.not.match(started.reason, /does not serve in time/, 'it failed at once, not at the deadline');
      assertNothingRuns(instance);
      assert.equal(holder.pids(), pids, 'the other one runs on');
      assertCall(await call(holder, 'monitor'), 0);
      assertCall(await call(holder, 'stop'), 0);
    }),
  ));

for (const proto of ['udp', 'udptcp']) {
  test(`a UDP port that another program holds is named with proto=${proto}`, () =>
    withInstance({ params: { proto } }, async (instance) => {
      const release = await holdUdpPort(instance.port);
      try {
        const started = await call(instance, 'start');
        assertCall(
          started,
          1,
          new RegExp(`in use: .*udp:127\\.0\\.0\\.1:${instance.port} by pid ${process.pid} `),
          /end what holds the socket$/,
        );
        assert.not.match(started.reason, /does not serve in time/);
        assertNothingRuns(instance);
      } finally {
        release();
      }
      assertCall(await call(instance, 'start'), 0);
      assertCall(await call(instance, 'stop'), 0);
    }));
}

test('a dual-stack [::] in the way is named, also for an IPv4 address', () =>
  withInstance({ params: { proto: 'udp' } }, async (instance) => {
    const release = await holdUdpPort(instance.port, '::');
    try {
      assertCall(
        await call(instance, 'start'),
        1,
        new RegExp(`in use: udp:\\[[0:]+\\]:${instance.port} by pid ${process.pid} `),
      );
    } finally {
      release();
    }
  }));

test('with listen lines of its own, the holder of the very address is named', () =>
  withInstance(
    { params: { proto: 'conf_udp' }, config: (port) => `listen=udp:127.0.0.1:${port}` },
    async (instance) => {
      const release = await holdUdpPort(instance.port);
      try {
        const holder = new RegExp(`in use: udp:127\\.0\\.0\\.1:${instance.port} by pid ${process.pid} `);
        assertCall(await call(instance, 'start'), 1, holder);
      } finally {
        release();
      }
    },
  ));

test('with listen lines of its own, the holder of a second port is named', () =>
  withInstance(
    {
      params: { proto: 'conf_udp' },
      config: (port) => `listen=udp:127.0.0.1:${port}\nlisten=udp:127.0.0.1:${port + 1}`,
    },
    async (instance) => {
      const release = await holdUdpPort(instance.port + 1);
      try {
        const holder = `in use: udp:127.0.0.1:${instance.port + 1} by pid ${process.pid} (`;
        const started = await call(instance, 'start');
        assertCall(started, 1);
        assert.ok(started.reason.slice(0, 127).includes(holder), started.reason);
      } finally {
        release();
      }
    },
  ));

test('a TCP port of an IPv6 address that is held is named, and nobody on another address of the port', () =>
  withInstance({ params: { proto: 'tcp', listen_address: '::1' } }, async (instance) => {
    const servers = ['::1', '127.0.0.1'].map((host) => createServer().listen(instance.port, host));
    try {
      await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))));
      const started = await call(instance, 'start');
      assertCall(
        started,
        1,
        new RegExp(`in use: tcp:\\[0:0:0:0:0:0:0:1\\]:${instance.port} by pid ${process.pid} `),
      );
      assert.not.match(started.reason, /in use: [^|]*127\.0\.0\.1/);
      assertNothingRuns(instance);
    } finally {
      for (const server of servers) server.close();
    }
  }));

test('a [::] for IPv6 alone beside the true holder is not named', () =>
  withInstance({ params: { proto: 'udp' } }, async (instance) => {
    const beside = createSocket({ type: 'udp6', ipv6Only: true });
    const release = await holdUdpPort(instance.port);
    try {
      await new Promise<void>((resolve) => beside.bind(instance.port, '::', resolve));
      const started = await call(instance, 'start');
      assertCall(
        started,
        1,
        new RegExp(`in use: udp:127\\.0\\.0\\.1:${instance.port} by pid ${process.pid} `),
      );
      assert.not.match(started.reason, /\[/);
    } finally {
      beside.close();
      release();
    }
  }));

test('a program on another address of the same port is not named, and does not hide the true reason', () =>
  withInstance({ config: 'modparam("jsonrpcs", "transport", 1)' }, async (instance) => {
    const release = await holdUdpPort(instance.port, '127.0.0.77');
    try {
      const started = await call(instance, 'start');
      assertCall(started, 1, /jsonrpcs/);
      assert.not.match(started.stderr, /in use|end what holds/);
      assert.match(started.reason.slice(0, 127), /jsonrpcs/, 'what the cluster keeps has the true reason');
    } finally {
      release();
    }
  }));

test('a failure that has nothing to do with sockets names no holder, even of the very address', () =>
  withInstance({ config: 'modparam("jsonrpcs", "transport", 1)' }, async (instance) => {
    const server = createServer().listen(instance.port, '127.0.0.1');
    try {
      await once(server, 'listening');
      const started = await call(instance, 'start');
      assertCall(started, 1, /jsonrpcs/);
      assert.not.match(started.stderr, /in use|end what holds/);
    } finally {
      server.close();
    }
  }));

test('an address that is not on this node is named with both remedies', () =>
  withInstance({ params: { listen_address: '192.0.2.1' } }, async (instance) => {
    // It may come meanwhile, and is waited for.
    const started = await call(instance, 'start', { CRM_meta_timeout: '12000' });
    assertCall(
      started,
      1,
      /^Kamailio exited with \d+ instead of serving: .*; 192\.0\.2\.1 is not on this node: order the address before Kamailio .*ip_nonlocal_bind=1 for a hot standby, and see its log$/,
    );
    assertNothingRuns(instance);
  }));

test('a module that fails to initialise is told in the words of Kamailio', () =>
  withInstance({ config: 'modparam("jsonrpcs", "transport", 1)' }, async (instance) => {
    assertCall(await call(instance, 'start'), 1, /^Kamailio exited with 255 instead of serving: .*jsonrpcs/);
    assertNothingRuns(instance);
  }));

test('what Kamailio could not reach goes first, though it stands far above its last words', () =>
  withInstance(
    {
      config: (_port, directory) => `loadmodule "tm.so"
loadmodule "db_sqlite.so"
loadmodule "usrloc.so"
modparam("usrloc", "db_url", "sqlite:///${directory}/away/location.sqlite")
modparam("usrloc", "db_mode", 2)`,
    },
    async (instance) => {
      const started = await call(instance, 'start', { CRM_meta_timeout: '12000' });
      assertCall(started, 1, /^[^|]*: db_sqlite: failed to open sqlite database '[^|]*\|/);
      assertNothingRuns(instance);
    },
  ));

test('a Kamailio that never answers fails the start before the executor ends it, and is ended', () =>
  withInstance({ route: 'exit;' }, async (instance) => {
    const limitMs = 10_000;
    // Several rounds of checks come to their end before the deadline.
    const params = { CRM_meta_timeout: String(limitMs), probe_timeout: '1' };
    const started = await call(instance, 'start', params, { limitMs });
    assertCall(
      started,
      1,
      /^Kamailio was started but does not serve in time: .*no answer to OPTIONS within .* raise the timeout of the start/,
    );
    assertNothingRuns(instance);
    assertCall(await call(instance, 'monitor'), 7, /^not running: /);
  }));

test('what is told of a Kamailio that does not serve in time is what was seen last', () =>
  withInstance({}, async (instance) => {
    // Refuses UDP until the third poll over TCP, which is answered: by then the start has seen a refusal. From
    // then on it takes datagrams and is silent, until the deadline cuts that poll off.
    const script = `
      let polls = 0;
      const answer = (request) => ['SIP/2.0 200 OK', ...request.split('\\r\\n').filter((line) => /^(Via|From|To|Call-ID|CSeq):/.test(line)), '', ''].join('\\r\\n');
      require('node:net').createServer((peer) => peer.on('error', () => {}).on('data', (data) => {
        if ((polls += 1) === 3) require('node:dgram').createSocket('udp4').bind(${instance.port}, '127.0.0.1', () => peer.end(answer(String(data))));
        else peer.end(answer(String(data)));
      })).listen(${instance.port}, '127.0.0.1');`;
    await withStandIn(instance, script, async () => {
      const limitMs = 12_000;
      const params = { CRM_meta_timeout: String(limitMs), probe_timeout: '60', kamctlrc: '' };
      assertCall(
        await call(instance, 'start', params, { limitMs }),
        1,
        /^Kamailio \(pid \d+\) ran before this start and does not serve: udp:127\.0\.0\.1:\d+: no answer to OPTIONS within /,
      );
    });
  }));

// The last poll before the deadline is cut short; what it saw must not hide what all others saw.
test('a Kamailio that answers the poll with 404 fails the start with what to change', () =>
  withInstance({ route: 'sl_send_reply("404", "Not here");' }, async (instance) => {
    const limitMs = 5000;
    const started = await call(instance, 'start', { CRM_meta_timeout: String(limitMs) }, { limitMs });
    assertCall(
      started,
      1,
      /answers OPTIONS sip:monitor@127\.0\.0\.1:\d+ with 404 Not here; kamailio\.cfg must/,
    );
    assertNothingRuns(instance);
  }));

test('a Kamailio that logs to stderr for life holds up neither the agent nor its caller', () =>
  withInstance({ config: 'log_stderror=yes' }, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    assertCall(await call(instance, 'monitor'), 0);
    assertCall(await call(instance, 'stop'), 0);
    assertNothingRuns(instance);
  }));

test.run();
