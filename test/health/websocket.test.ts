import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { callAgent } from '../support/agent.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { until } from '../support/instance.ts';
import { signalAll } from '../support/processes.ts';
import { askKamailio, ownCertificate, processesOf, webSockets } from './support.ts';

test('a WebSocket is polled, with a path, over IPv6, and inside TLS with a client certificate; Kamailio keeps none open', () =>
  withInstance(webSockets(), async (instance) => {
    const { port } = instance;
    const probes = `ws:127.0.0.1:${port} ws:127.0.0.1:${port}/sip?v=1, ws:[::1]:${port} wss:127.0.0.1:${port + 1}`;
    const params = { probes, ...ownCertificate(instance) };
    assertCall(await call(instance, 'start', params), 0);
    const monitored = await call(instance, 'monitor', params, { env: { OCF_CHECK_LEVEL: '20' } });
    assertCall(monitored, 0);
    assert.is(monitored.stderr + monitored.stdout, '');
    const { stdout } = await call(instance, 'diagnose', params);
    for (const name of [`ws:127.0.0.1:${port}/sip?v=1`, `ws:[::1]:${port}`, `wss:127.0.0.1:${port + 1}`])
      assert.ok(stdout.includes(`ok       ${name}`), stdout);
    await until(
      async () => /"wscounter":0/.test(JSON.stringify(await askKamailio(instance, 'ws.dump'))),
      'Kamailio has closed them all',
    );
  }));

/** What is polled, with what besides, and what the reason says: P is the port of tcp, T that of tls. */
const FAILURES: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
  ['ws:127.0.0.1:1', {}, /nobody listens there \(refused\)/],
  [
    'ws:127.0.0.1:P/x',
    {},
    /P\/x: answers .* with HTTP 404 No such path; event_route\[xhttp:request\].* for \/x/,
  ],
  ['ws:127.0.0.1:P/page', {}, /answers the WebSocket handshake with HTTP 200 OK; .*ws_handle_handshake\(\)/],
  [
    'ws:127.0.0.1:P/silent',
    {},
    /no answer to the WebSocket handshake; .*busy or hung.*modules xhttp and websocket/,
  ],
  ['ws:127.0.0.1:P', { probe_user: 'quiet' }, /no answer to OPTIONS within/],
  [
    'ws:127.0.0.1:P',
    { probe_user: 'stranger' },
    /answers OPTIONS sip:stranger@127\.0\.0\.1:P with 403 No; kamailio\.cfg/,
  ],
  [
    'ws:127.0.0.1:T',
    {},
    /the connection was closed in the WebSocket handshake; kamailio\.cfg needs .*websocket/,
  ],
  // Its random bytes may look like the end of a SIP message: then Kamailio closes the connection at once.
  ['wss:127.0.0.1:P', {}, /(no answer to|closed in) the TLS handshake; is this a tls socket/],
  ['wss:127.0.0.1:T', { probe_tls_cert: '', probe_tls_key: '' }, /CERTIFICATE_REQUIRED.*set probe_tls_cert/],
  ['wss:127.0.0.1:T/x', {}, /answers the WebSocket handshake with HTTP 404/],
];

test('each way in which a WebSocket fails is told with its remedy, by monitor and diagnose', () =>
  withInstance(webSockets(), async (instance) => {
    const placed = (text: string) =>
      text.replaceAll(/\bP\b/g, String(instance.port)).replaceAll(/\bT\b/g, String(instance.port + 1));
    assertCall(await call(instance, 'start'), 0);
    for (const [probe, more, reason] of FAILURES) {
      const params = { ...ownCertificate(instance), probes: placed(probe), probe_timeout: '2', ...more };
      const failed = await call(instance, 'monitor', params);
      assertCall(failed, 1, new RegExp(placed(reason.source)));
    }
    await askKamailio(instance, 'ws.disable');
    const probes = `ws:127.0.0.1:${instance.port}`;
    assertCall(await call(instance, 'monitor', { probes }), 1, /HTTP 503 .*`kamctl rpc ws\.enable`/);
    await askKamailio(instance, 'ws.enable');
    assertCall(await call(instance, 'monitor', { probes }), 0);
    signalAll(await processesOf(instance, /^tcp (receiver|main)/), 'SIGSTOP');
    const { stdout } = await call(instance, 'diagnose', { probes, probe_timeout: '1' });
    assert.match(stdout, /FAILED +ws:127\.0\.0\.1:\d+ +no answer to the WebSocket handshake/);
  }));

test('a Kamailio that takes another subprotocol, and one that serves no WebSockets, are told as such', async () => {
  await withInstance(webSockets('msrp'), async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    assertCall(
      await call(instance, 'monitor', { probes: `ws:127.0.0.1:${instance.port}` }),
      1,
      /with HTTP 400 Bad Request: it takes the subprotocol msrp, not sip; .*"sub_protocols"/,
    );
  });
  await withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    assertCall(
      await call(instance, 'monitor', { probes: `ws:127.0.0.1:${instance.port}`, probe_timeout: '2' }),
      1,
      /WebSocket handshake; .*kamailio\.cfg needs tcp_accept_no_cl=yes, the modules xhttp and websocket/,
    );
  });
});

for (const [probes, reason] of [
  ['tcp:127.0.0.1:5060/sip', /has a path, which only ws and wss have/],
  ['ws:127.0.0.1:/sip', /has no port/],
  ['wss:127.0.0.1/a"b', /character in its path/],
  ['ws:sip.example.org/', /no IPv4 or bracketed IPv6 address/],
] as const) {
  test(`probes=${probes} is refused, naming the entry`, async () => {
    assertCall(await callAgent('validate-all', { listen_address: '127.0.0.1', probes }), 6, reason);
  });
}

test.run();
