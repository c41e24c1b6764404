import { execFileSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { callAgent } from '../support/agent.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { signalAll } from '../support/processes.ts';
import { allProbes, allTransports, processesOf } from './support.ts';

test('every transport is polled, over IPv4 and IPv6, and all have to answer', async () => {
  await withInstance(allTransports(), async (instance) => {
    const probes = allProbes(instance.port);
    assertCall(await call(instance, 'start', { probes }), 0);
    const healthy = await call(instance, 'monitor', { probes });
    assertCall(healthy, 0);
    assert.is(healthy.stderr + healthy.stdout, '');
    const wrong = `${probes} tls:[::1]:${instance.port + 2}`;
    assertCall(
      await call(instance, 'monitor', { probes: wrong }),
      1,
      /tls:\[::1\]:\d+: nobody listens there/,
    );
  });
});

test('a tls probe of a tcp socket fails and says what is wrong', async () => {
  await withInstance(allTransports(), async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const probes = `tls:127.0.0.1:${instance.port}`;
    assertCall(
      await call(instance, 'monitor', { probes, probe_timeout: '1' }),
      1,
      /tls:127\.0\.0\.1:\d+: .*TLS handshake/,
    );
  });
});

for (const [stopped, role] of [
  ['udp', /^udp receiver/],
  ['tcp', /^tcp (receiver|main)/],
] as const) {
  test(`when all ${stopped} workers hang, the monitor names ${stopped} and nothing else`, async () => {
    await withInstance({}, async (instance) => {
      assertCall(await call(instance, 'start'), 0);
      const workers = await processesOf(instance, role);
      assert.ok(workers.length > 0);
      signalAll(workers, 'SIGSTOP');
      const result = await call(instance, 'monitor', { probe_timeout: '1' });
      assertCall(result, 1, new RegExp(`${stopped}:127\\.0\\.0\\.1:\\d+: no answer`));
      assert.not.match(result.reason, stopped === 'udp' ? /tcp:127/ : /udp:127/);
      signalAll(workers, 'SIGCONT');
      assertCall(await call(instance, 'monitor'), 0);
    });
  });
}

test('the stock kamailio.cfg, unchanged, passes with an empty probe_user', async () => {
  // Its sockets come from the command line, its FIFO is the package's own.
  await withInstance(
    {
      params: {
        conffile: '/etc/kamailio/kamailio.cfg',
        kamctlrc: '/etc/kamailio/kamctlrc',
        kamuser: 'kamailio',
      },
    },
    async (instance) => {
      execFileSync('chown', ['kamailio', `${instance.directory}/run`]);
      assertCall(await call(instance, 'start', { probe_user: '' }), 0);
      assertCall(await call(instance, 'monitor', { probe_user: '' }), 0);
      assertCall(await call(instance, 'monitor'), 1, /sip:monitor@127.*with 404.*probe_user/);
      assertCall(await call(instance, 'stop'), 0);
    },
  );
});

/** A filter of traffic: what does not ask for the domain gets no answer at all. */
const DOMAIN_ONLY = {
  route: `if (is_method("OPTIONS") && $ru == "sip:sip.example.org") { sl_send_reply("200", "OK"); }
  exit;`,
};

test('a Kamailio that answers its domain alone is polled with probe_uri, and the domain is not looked up', () =>
  withInstance(DOMAIN_ONLY, async (instance) => {
    const asked = { probe_uri: 'sip:sip.example.org', probe_timeout: '1' };
    assertCall(await call(instance, 'start', asked), 0);
    for (const monitor_tools of ['builtin', 'external']) {
      const tools = { monitor_tools, ...(monitor_tools === 'external' && { kamctlrc: '' }) };
      const healthy = await call(instance, 'monitor', { ...asked, ...tools });
      assertCall(healthy, 0);
      assert.is(healthy.stderr, '');
    }
    const missed = { ...asked, probe_uri: 'sip:monitor@sip.example.org' };
    assertCall(await call(instance, 'monitor', missed), 1, /udp:.*: no answer to OPTIONS within .*probe_uri/);
    const report = await call(instance, 'diagnose', missed);
    assert.match(
      report.stdout,
      /FAILED +udp:.*\n +-> this kamailio\.cfg answers sip:sip\.example\.org: set probe_uri=sip:sip\.example\.org/,
    );
    // Any other URI would be dropped: nothing that it could be polled with is left.
    const unusable = await call(instance, 'monitor', { ...asked, probe_uri: 'sip.example.org' });
    assertCall(unusable, 190, /probe_uri=sip\.example\.org: is no SIP URI.*SIP is not polled/);
  }));

for (const probe_uri of [
  'monitor',
  'sip:',
  'sip:@example.org',
  'sip:a b@example.org',
  'sip:a@b@c.org',
  'tel:+4930',
  '<sip:example.org>',
  'sip:example.org?Subject=x',
  'sip:example.org SIP/2.0\r\nX: y',
  `sip:${'a'.repeat(600)}`,
]) {
  test(`probe_uri=${JSON.stringify(probe_uri.slice(0, 40))} is refused`, async () => {
    assertCall(
      await callAgent('validate-all', { listen_address: '127.0.0.1', probe_uri }),
      6,
      /probe_uri=.*: is no SIP URI; write it/,
    );
  });
}

const REFUSED = {
  'sctp:127.0.0.1:5060': /entry "sctp:127\.0\.0\.1:5060" has no transport of udp, tcp, tls/,
  'udp:sip.example.org:5060': /entry "udp:sip\.example\.org:5060" has no IPv4 or bracketed IPv6 address/,
  'udp:::1:5060': /entry "udp:::1:5060"/,
  'udp:127.0.0.1:70000': /entry "udp:127\.0\.0\.1:70000" has no port/,
  'udp:127.0.0.1:': /entry "udp:127\.0\.0\.1:" has no port/,
  '127.0.0.1:5060': /entry "127\.0\.0\.1:5060"/,
  'udp:127.0.0.1,,tcp:127.0.0.1': /empty entry/,
  'udp:127.0.0.1,': /empty entry/,
  [Array.from({ length: 1000 }, (_, index) => `udp:127.0.0.1:${index + 1}`).join(' ')]:
    /1000 sockets.*entry 65 \("udp:127\.0\.0\.1:65"\)/,
} as const;

for (const [probes, reason] of Object.entries(REFUSED)) {
  test(`probes=${probes.slice(0, 40)} is refused, naming the entry`, async () => {
    const result = await callAgent('validate-all', { listen_address: '127.0.0.1', probes });
    assertCall(result, 6, reason);
  });
}

for (const seconds of ['0', '-1', 'five', '1.5', '']) {
  test(`probe_timeout=${seconds || '(empty)'} is refused`, async () => {
    const result = await callAgent('validate-all', { listen_address: '127.0.0.1', probe_timeout: seconds });
    assertCall(result, 6, /probe_timeout=/);
  });
}

test('the timeout of the operation wins over a longer probe_timeout', async () => {
  await withInstance({ route: 'drop;' }, async (instance) => {
    const timeouts = { probe_timeout: '3600', CRM_meta_timeout: '3000' };
    assertCall(await call(instance, 'start', timeouts), 1, /does not serve in time/);
  });
});

test.run();
