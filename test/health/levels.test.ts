import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { predictFailures } from '../../src/checks/predictions.ts';
import type { Problem } from '../../src/failure/failure.ts';
import { readParams } from '../../src/params/parse.ts';
import { readStat, readWaitChannel } from '../../src/process/procfs.ts';
import { answer, controlStandIn } from '../kamctl/support.ts';
import { invoke } from '../params/support.ts';
import { callAgent } from '../support/agent.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { within } from '../support/deadline.ts';
import { pause, type TestInstance, until } from '../support/instance.ts';
import { freePort } from '../support/ports.ts';
import { signalAll } from '../support/processes.ts';
import { allTransports, processesOf } from './support.ts';

const monitorAt = (instance: TestInstance, level: string, params = {}) =>
  call(instance, 'monitor', params, { env: { OCF_CHECK_LEVEL: level } });

test('level 0 asks for the main process alone, 10 and unset for its answers too', async () => {
  await withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const nobody = { port: String(await freePort()) };
    assertCall(await monitorAt(instance, '0', nobody), 0);
    assertCall(await monitorAt(instance, '9', nobody), 0);
    assertCall(await monitorAt(instance, '10', nobody), 1, /nobody listens/);
    assertCall(await monitorAt(instance, '19', nobody), 1, /nobody listens/);
    assertCall(await call(instance, 'monitor', nobody), 1, /nobody listens/);
  });
});

test('one stopped worker among many is healthy at level 10, and named at level 20', async () => {
  await withInstance({ config: 'children=8' }, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    assertCall(await monitorAt(instance, '20'), 0);
    const [timer] = await processesOf(instance, /^slow timer/);
    assert.type(timer, 'number');
    signalAll([timer ?? 0], 'SIGSTOP');
    assertCall(await monitorAt(instance, '10'), 0);
    assertCall(await monitorAt(instance, '20'), 190, new RegExp(`worker ${timer} is stopped`));
    signalAll([timer ?? 0], 'SIGCONT');
    assertCall(await monitorAt(instance, '20'), 0);
  });
});

test('three of four UDP receivers that hang are named at level 20: the fourth answers every poll', async () => {
  const options = {
    config: 'children=4\nloadmodule "cfgutils.so"',
    route: `if ($rU == "hang") sleep("3600");
  sl_send_reply("200", "OK");`,
  };
  await withInstance(options, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    assertCall(await monitorAt(instance, '20'), 0);
    const receivers = await processesOf(instance, /^udp receiver/);
    assert.is(receivers.length, 4);
    await hang(instance.port, 3);
    const isAsleep = (pid: number) => /nanosleep/.test(readWaitChannel(pid));
    await until(() => receivers.filter(isAsleep).length === 3, 'three receivers hang');
    assertCall(await monitorAt(instance, '10'), 0);
    const pids = receivers.filter(isAsleep).join(', ');
    const seen = new RegExp(
      `serves, but: udp:\\S+: 3 of 4 receivers hang \\(in \\S*nanosleep\\S*\\): pid ${pids}; `,
    );
    assertCall(await monitorAt(instance, '20'), 190, seen);
    const diagnosed = await call(instance, 'diagnose');
    assert.match(diagnosed.stdout, /predictions +udp:\S+: 3 of 4 receivers hang/);
    // Over TCP alone nobody is asked about the UDP socket.
    assertCall(await monitorAt(instance, '20', { probes: `tcp:127.0.0.1:${instance.port}` }), 0);
    assertCall(await call(instance, 'stop'), 0);
  });
});

test("shared memory that is nearly used up is told at level 20, over the FIFO and over ctl's socket", async () => {
  const fill = (_port: number, directory: string) => `loadmodule "ctl.so"
modparam("ctl", "binrpc", "unix:${directory}/run/ctl")
max_while_loops=100000
loadmodule "htable.so"
modparam("htable", "htable", "ballast=>size=8;")
event_route[htable:mod-init] {
  $var(i) = 0;
  while ($var(i) < 6400) {
    $sht(ballast=>$var(i)) = "${'x'.repeat(1000)}";
    $var(i) = $var(i) + 1;
  }
}`;
  await withInstance({ config: fill, params: { extra_options: '-m 8' } }, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    assertCall(await monitorAt(instance, '10'), 0);
    const told = /9\d % of the shared memory is in use/;
    assertCall(await monitorAt(instance, '20'), 190, told);
    writeFileSync(instance.kamctlrc, `RPCCTLSOCKET=${instance.directory}/run/ctl\n`);
    assertCall(await monitorAt(instance, '20'), 190, told);
  });
});

// Up to Kamailio 5.6 its numbers of 32 bits are negative there, or start again at 0.
for (const megabytes of ['2048', '3000', '4095', '4100', '8192']) {
  test(`${megabytes} MB of shared memory that nobody uses predict nothing`, () =>
    withInstance({ params: { extra_options: `-m ${megabytes}` } }, async (instance) => {
      assertCall(await call(instance, 'start'), 0);
      assertCall(await monitorAt(instance, '20'), 0);
    }));
}

/**
 * What level 20 predicts of an instance whose control plane answers with these numbers for the shared memory. No real
 * Kamailio has them, and a monitor takes no answer but this Kamailio's: so a stand-in answers, and the check is called.
 */
async function predictedWith(
  memory: { readonly total: number; readonly real_used: number } | undefined,
): Promise<readonly Problem[]> {
  const control = controlStandIn((request) => {
    if (memory) answer(request, JSON.stringify({ jsonrpc: '2.0', id: request.id, result: memory }));
  });
  try {
    let signs: readonly Problem[] = [];
    await withInstance({}, async (instance) => {
      assertCall(await call(instance, 'start'), 0);
      const kamctlrc = join(instance.directory, 'kamctlrc-of-stand-in');
      writeFileSync(kamctlrc, `RPCFIFOPATH=${control.settings.fifo}\nCHROOT_DIR=${control.directory}\n`);
      const params = readParams(invoke({ ...instance.params, kamctlrc, probe_timeout: '1' }));
      const main = readStat(instance.mainPid());
      assert.ok(main);
      // The operation has far more time than the question.
      signs = await predictFailures(params, main, [], [], within(60_000));
      const asked = control.requests.map(({ text }) => JSON.parse(text));
      assert.equal(asked.find(({ method }) => method === 'core.shmmem')?.params, ['k']);
    });
    return signs;
  } finally {
    control.close();
  }
}

test('a total of shared memory that is not positive predicts nothing', async () => {
  for (const total of [-2_147_483_648, -1, 0])
    assert.equal(await predictedWith({ total, real_used: 1000 }), []);
  const [sign, ...others] = await predictedWith({ total: 65_536, real_used: 65_000 });
  assert.equal(others, []);
  assert.match(sign?.seen ?? '', /^99 % of the shared memory is in use \(65000 of 65536 KiB\)$/);
});

test('a question of level 20 without an answer is given up when probe_timeout is over, long before the operation', async () => {
  const [sign] = await predictedWith(undefined);
  assert.is(sign?.where, 'shared memory');
  assert.match(sign?.seen ?? '', /^no reply to core\.shmmem over /);
});

for (const [days, code] of [
  [3, 190],
  [90, 0],
] as const) {
  test(`a certificate that is valid for ${days} days gives ${code} at level 20`, async () => {
    await withInstance(allTransports(days), async (instance) => {
      const probes = `tls:127.0.0.1:${instance.port + 1}`;
      assertCall(await call(instance, 'start', { probes }), 0);
      assertCall(await monitorAt(instance, '10', { probes }), 0);
      const result = await monitorAt(instance, '20', { probes });
      if (code === 0) assertCall(result, 0);
      else
        assertCall(
          result,
          190,
          /tls:127\.0\.0\.1:\d+: its certificate expires on \d{4}-\d\d-\d\d, in [23] days/,
        );
    });
  });
}

test('a UDP socket whose queue is more than half full is told at level 20', async () => {
  await withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const receivers = await processesOf(instance, /^udp receiver/);
    signalAll(receivers, 'SIGSTOP');
    await flood(instance.port);
    // Over TCP alone Kamailio is healthy; its UDP queue is not.
    const probes = { probes: `tcp:127.0.0.1:${instance.port}` };
    assertCall(await monitorAt(instance, '10', probes), 0);
    assertCall(
      await monitorAt(instance, '20', probes),
      190,
      /udp:127\.0\.0\.1:\d+: its receive queue is \d+ % full/,
      /worker \d+ is stopped/,
    );
    signalAll(receivers, 'SIGCONT');
  });
});

test('a UDP socket that drops datagrams during the check is told at level 20', async () => {
  await withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const receivers = await processesOf(instance, /^udp receiver/);
    signalAll(receivers, 'SIGSTOP');
    let flooding = true;
    const flooded = (async () => {
      // Sends end at once on loopback: the pause lets the rest of this process have its turn.
      for (; flooding; await pause(1)) await flood(instance.port, 50);
    })();
    try {
      // The queue is full after the first few hundred, and everything after that is dropped.
      const level = { env: { OCF_CHECK_LEVEL: '20' } };
      const probes = { probes: `tcp:127.0.0.1:${instance.port}` };
      let result = await call(instance, 'monitor', probes, level);
      for (let tries = 0; tries < 20 && !/dropped/.test(result.reason); tries += 1) {
        result = await call(instance, 'monitor', probes, level);
      }
      assertCall(result, 190, /udp:127\.0\.0\.1:\d+: dropped \d+ datagrams while it was looked at/);
    } finally {
      flooding = false;
      await flooded;
      signalAll(receivers, 'SIGCONT');
    }
  });
});

test('validate-all looks at the values alone at level 0', async () => {
  const elsewhere = {
    listen_address: '192.0.2.1',
    binary: '/opt/elsewhere/kamailio',
    conffile: '/opt/elsewhere/kamailio.cfg',
  };
  assertCall(await callAgent('validate-all', elsewhere, { env: { OCF_CHECK_LEVEL: '0' } }), 0);
  assertCall(await callAgent('validate-all', elsewhere), 5, /binary .* does not exist/);
  assertCall(await callAgent('validate-all', { listen_address: 'x' }, { env: { OCF_CHECK_LEVEL: '0' } }), 6);
});

test('validate-all lets Kamailio check its configuration at levels 10 and 20', async () => {
  await withInstance({}, async (instance) => {
    writeFileSync(instance.conffile, 'nonsense=\n');
    for (const OCF_CHECK_LEVEL of ['10', '20']) {
      assertCall(await call(instance, 'validate-all', {}, { env: { OCF_CHECK_LEVEL } }), 2, /line 1/);
    }
  });
});

test('reload-agent warns of what it cannot use, fails for nothing, and leaves Kamailio alone', async () => {
  await withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const pid = instance.mainPid();
    const reload = (params: Readonly<Record<string, string>>) => call(instance, 'reload-agent', params);
    const good = await reload({ probe_timeout: '7s' });
    assert.equal([good.code, good.stderr], [0, '']);
    // To the cluster a reload-agent that fails is a start that failed: it stops the service.
    for (const [params, warning] of [
      [{ probe_timeout: 'seven' }, /^WARNING: probe_timeout=seven: is not a duration; .*next start/m],
      [{ kamctlrc: '/nonexistent/kamctlrc' }, /^WARNING: kamctlrc \S+ is missing on this node/m],
      [{ monitor_tools: 'external', sipsak: '/nonexistent' }, /^WARNING: .*needs sipsak/m],
    ] as const) {
      const bad = await reload(params);
      assertCall(bad, 0);
      assert.match(bad.stderr, warning);
    }
    assert.is(instance.mainPid(), pid);
    assertCall(await call(instance, 'monitor'), 0);
  });
});

/** Has so many receivers of a UDP socket hang in the route for sip:hang@... */
async function hang(port: number, receivers: number): Promise<void> {
  const socket = createSocket('udp4');
  for (let sent = 0; sent < receivers; sent += 1) {
    const request = `OPTIONS sip:hang@127.0.0.1:${port} SIP/2.0\r
Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKhang${sent}\r
From: <sip:a@b>;tag=1\r\nTo: <sip:hang@b>\r\nCall-ID: hang${sent}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n`;
    await new Promise((resolve) => socket.send(request, port, '127.0.0.1', resolve));
  }
  socket.close();
}

/** Sends datagrams to a UDP socket on loopback; 600 fill its receive queue beyond the half. */
async function flood(port: number, datagrams = 600): Promise<void> {
  const socket = createSocket('udp4');
  const datagram = Buffer.alloc(1400, 'x');
  for (let sent = 0; sent < datagrams; sent += 1) {
    await new Promise((resolve) => socket.send(datagram, port, '127.0.0.1', resolve));
  }
  socket.close();
}

test.run();
