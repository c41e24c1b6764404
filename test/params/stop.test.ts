import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PARAMETER_NAMES } from '../../src/interface/parameters.ts';
import { readParamsForStop } from '../../src/params/for-stop.ts';
import { invoke } from './support.ts';

const stop = (params: Readonly<Record<string, string>>, flags: readonly string[] = [], instance = 'sip') =>
  readParamsForStop(invoke(params, flags, instance, 'stop'));

test('stop needs no parameter at all', () => {
  assert.equal(stop({}), {
    binary: '/usr/sbin/kamailio',
    pidfile: '/var/run/kamailio_sip/kamailio.pid',
    kamuser: '',
    kamctlrc: '/etc/kamailio/kamctlrc',
    stop_grace: undefined,
    core_on_kill: false,
    drains: false,
    pidfileUsable: true,
    pidfileIsDefault: true,
    port: 5060,
    udpAddress: '',
  });
});

test('the UDP socket of the service is known where there is one, and its address is usable', () => {
  const address = '192.0.2.10';
  assert.is(stop({ listen_address: address }).udpAddress, address);
  assert.is(stop({ listen_address: address, proto: 'conf_udp' }).udpAddress, address);
  for (const proto of ['tcp', 'conf_tcp', 'sctp'])
    assert.is(stop({ listen_address: address, proto }).udpAddress, '');
  assert.is(stop({ listen_address: 'sip.example.com' }).udpAddress, '');
});

test('stop refuses no value of any parameter', () => {
  for (const name of PARAMETER_NAMES) {
    for (const value of ['', 'x', '/a\nb', '$(touch x)', '-1', 'y'.repeat(65_536)]) {
      assert.type(stop({ [name]: value }).pidfile, 'string');
    }
  }
});

test('stop refuses no flag', () => {
  const { pidfile } = stop({}, ['--colour=blue', '--pidfile=/run/k.pid', '--port=x']);
  assert.is(pidfile, '/run/k.pid');
});

test('what cannot be used falls back to the default', () => {
  const params = stop({ binary: 'kamailio', kamuser: '-x', stop_grace: 'long', core_on_kill: 'x' });
  assert.is(params.binary, '/usr/sbin/kamailio');
  assert.is(params.kamuser, '');
  assert.is(params.stop_grace, undefined);
  assert.is(params.core_on_kill, false);
});

test('a usable stop_grace and binary are taken', () => {
  const params = stop({ binary: '/opt/kamailio/sbin/kamailio', stop_grace: '7' });
  assert.is(params.binary, '/opt/kamailio/sbin/kamailio');
  assert.is(params.stop_grace, 7);
  assert.is(stop({ stop_grace: '1min' }).stop_grace, 60);
  assert.is(stop({ core_on_kill: 'on' }).core_on_kill, true);
});

test('a pidfile that start would refuse only names the processes: its file is not touched', () => {
  for (const pidfile of ['kamailio.pid', '', '/run/a\nb']) {
    const params = stop({ pidfile });
    assert.is(params.pidfile, pidfile);
    assert.is(params.pidfileUsable, false);
    assert.is(params.pidfileIsDefault, false);
  }
  assert.is(stop({}, [], '../x').pidfileUsable, false);
});

test("a pidfile of its own is removed, but its directory is not the agent's", () => {
  const params = stop({ pidfile: '/run/k/kamailio.pid' });
  assert.is(params.pidfileUsable, true);
  assert.is(params.pidfileIsDefault, false);
});

test('the default pidfile, written out, is still the default one', () => {
  assert.is(stop({ pidfile: '/var/run/kamailio_sip/kamailio.pid' }).pidfileIsDefault, true);
});

test.run();
