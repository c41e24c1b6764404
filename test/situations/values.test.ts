import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { callAgent } from '../support/agent.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';

/** Values that are invalid everywhere, with what the reason must say. */
const INVALID: readonly (readonly [string, string, RegExp])[] = [
  ['listen_address', '', /^required parameter listen_address is missing/],
  ['listen_address', 'sip.example.org', /^listen_address=sip\.example\.org: is no IPv4 or IPv6 address/],
  ['listen_address', 'localhost', /host names are not looked up/],
  ['listen_address', '127.0.0.1:5060', /^listen_address=127\.0\.0\.1:5060: holds a port; .*`port`/],
  ['listen_address', '[::1]:5060', /^listen_address=\[::1\]:5060: holds a port/],
  ['listen_address', '127.0.0.256', /is no IPv4 or IPv6 address/],
  ['listen_address', '2001:db8::1%lo', /is no link-local address with a zone/],
  ['monitoring_ip', 'sip.example.org', /^monitoring_ip=sip\.example\.org: is no IPv4 or IPv6 address/],
  ['monitoring_ip', '127.0.0.1:5060', /^monitoring_ip=127\.0\.0\.1:5060: holds a port/],
  ['port', '70000', /^port=70000: is no port; give a number from 1 to 65535/],
  ['port', '0', /^port=0: is no port/],
  ['port', 'sip', /^port=sip: is no port/],
  ['proto', 'sctp', /^proto=sctp: is not one of udp, tcp, udptcp, conf_udp, conf_tcp, conf_udptcp/],
  ['proto', '', /^proto=: is not one of/],
  ['proto', 'UDP', /^proto=UDP: is not one of/],
  ['binary', 'kamailio', /^binary=kamailio: is no absolute path/],
  ['conffile', 'kamailio.cfg', /^conffile=kamailio\.cfg: is no absolute path/],
  ['pidfile', 'kamailio.pid', /^pidfile=kamailio\.pid: is no absolute path/],
  ['kamctlrc', 'kamctlrc', /^kamctlrc=kamctlrc: is no absolute path/],
  ['kamuser', 'two words', /^kamuser=two words: is no name of an account/],
  ['kamuser', '-oProxy', /^kamuser=-oProxy: is no name of an account/],
  ['extra_options', '-A "open', /^extra_options=-A "open: ends inside a quote/],
  ['probe_timeout', '0', /^probe_timeout=0: is not a duration from 1 s on/],
  ['probe_timeout', '500ms', /^probe_timeout=500ms: is not a duration from 1 s on/],
  ['stop_grace', '1.5', /^stop_grace=1\.5: is not a duration/],
  ['probe_drained', '503 busy', /^probe_drained=503 busy: entry "busy" is no code of a reply .*such as 503/],
  ['probe_drained', '200', /^probe_drained=200: entry "200" is no code/],
  ['drain', 'now', /^drain=now: begins with "now", which is no RPC method; .*`kamctl rpc`/],
  ['drain', 'cfg.set_now_string a "b', /^drain=cfg\.set_now_string a "b: ends inside a quote/],
  ['drain_timeout', 'long', /^drain_timeout=long: is not a duration/],
];

for (const [name, value, reason] of INVALID) {
  test(`${name}="${value}" is invalid everywhere, a monitor finds nothing, and stop works all the same`, () =>
    withInstance({}, async (instance) => {
      for (const action of ['validate-all', 'start'])
        assertCall(await call(instance, action, { [name]: value }), 6, reason);
      const monitored = await call(instance, 'monitor', { [name]: value });
      assertCall(monitored, 7, /^not running: /);
      assert.match(monitored.reason.replace(/^.*? \|\| /, ''), reason);
      assertCall(await call(instance, 'stop', { [name]: value }), 0);
    }));
}

test('a running instance stops although a parameter has become invalid', () =>
  withInstance({}, async (instance) => {
    for (const broken of [
      { port: '70000' },
      { listen_address: '' },
      { stop_grace: 'long' },
      { drain: 'now' },
      { binary: 'x' },
    ]) {
      assertCall(await call(instance, 'start'), 0);
      assertCall(await call(instance, 'stop', broken), 0);
      assertCall(await call(instance, 'monitor'), 7, /^not running: /);
    }
  }));

test('a listen_address that is not set at all is missing', async () => {
  for (const action of ['validate-all', 'start'])
    assertCall(await callAgent(action), 6, /^required parameter listen_address is missing/);
  assertCall(await callAgent('monitor'), 7, /^not running: .*required parameter listen_address is missing/);
});

test('an unknown action is unimplemented', async () => {
  assertCall(await callAgent('promote'), 3, /^this agent has no action "promote"/);
  assertCall(await callAgent('toString'), 3, /^this agent has no action "toString"/);
});

test('no action at all is an error of the arguments', async () => {
  assertCall(await callAgent(undefined), 2, /^no action given/);
});

test.run();
