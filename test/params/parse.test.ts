import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PARAMETER_NAMES } from '../../src/interface/parameters.ts';
import { readParams } from '../../src/params/parse.ts';
import { invoke, refused } from './support.ts';

const ADDRESS = { listen_address: '192.0.2.10' };

test('what is not set has the established default', () => {
  assert.equal(
    { ...readParams(invoke(ADDRESS)) },
    {
      binary: '/usr/sbin/kamailio',
      conffile: '/etc/kamailio/kamailio.cfg',
      pidfile: '/var/run/kamailio_sip/kamailio.pid',
      monitoring_ip: '',
      listen_address: '192.0.2.10',
      port: 5060,
      proto: 'udptcp',
      sipsak: '/usr/bin/sipsak',
      kamctl: '/usr/sbin/kamctl',
      kamctlrc: '/etc/kamailio/kamctlrc',
      kamuser: '',
      kamgroup: '',
      extra_options: [],
      environment: {},
      monitor_tools: 'builtin',
      probes: undefined,
      probe_user: 'monitor',
      probe_uri: '',
      probe_timeout: 5,
      probe_tries: 1,
      probe_tls_cert: '',
      probe_tls_key: '',
      stop_grace: undefined,
      probe_drained: [],
      drain: undefined,
      drain_timeout: undefined,
      watch: 'off',
      watch_timeout: 5,
      core_on_kill: false,
    },
  );
});

for (const [what, nothing] of [
  ['nothing', ''],
  ['a blank, as pcs needs it,', ' '],
] as const) {
  test(`what is set to ${what} is empty where empty has a meaning`, () => {
    const names = ['monitoring_ip', 'sipsak', 'kamctl', 'kamctlrc', 'kamuser', 'kamgroup', 'extra_options'];
    const empty = Object.fromEntries([...names, 'probe_user', 'stop_grace'].map((name) => [name, nothing]));
    const params = readParams(invoke({ ...ADDRESS, ...empty }));
    for (const name of [...names, 'probe_user'] as const) {
      const value = Object.entries(params).find(([known]) => known === name)?.[1];
      assert.is(String(value), '', name);
    }
    assert.is(params.stop_grace, undefined);
  });
}

test('what is set to nothing is refused where empty has no meaning', () => {
  for (const name of ['binary', 'conffile', 'pidfile', 'port', 'proto', 'probe_timeout', 'probe_tries']) {
    const reason = refused(() => readParams(invoke({ ...ADDRESS, [name]: '' })));
    assert.ok(reason.startsWith(`${name}=`), reason);
  }
});

test('a missing listen_address is named as missing, also when it is set to nothing', () => {
  for (const params of [{}, { listen_address: '' }, { listen_address: ' ' }]) {
    assert.match(
      refused(() => readParams(invoke(params))),
      /required parameter listen_address is missing/,
    );
  }
});

test('a refused value is told with its name, the value and what is wrong', () => {
  const reason = refused(() => readParams(invoke({ ...ADDRESS, port: '70000' })));
  assert.match(reason, /^port=70000: .*1 to 65535/);
});

test('every parameter refuses a line break', () => {
  for (const name of PARAMETER_NAMES) {
    const reason = refused(() => readParams(invoke({ ...ADDRESS, [name]: '/a\nb' })));
    assert.ok(reason.startsWith(`${name}=`), reason);
    assert.not.match(reason, /\n/);
  }
});

test('the parsed parameters cannot be changed', () => {
  const params = readParams(invoke(ADDRESS));
  assert.ok(Object.isFrozen(params));
  assert.throws(() => Object.assign(params, { port: 1 }), TypeError);
});

test('variables that are no parameters of the agent are left alone', () => {
  const params = readParams(invoke({ ...ADDRESS, CRM_meta_timeout: '20000', colour: 'blue' }));
  assert.equal(Object.keys(params), [...PARAMETER_NAMES]);
});

test("a clone's default pidfile bears the clone's number", () => {
  const { pidfile } = readParams(invoke(ADDRESS, [], 'x:0'));
  assert.is(pidfile, '/var/run/kamailio_x:0/kamailio.pid');
});

test('the name of the resource goes into the default pidfile as it stands', () => {
  for (const name of ['$&', "$'", '$$', 'INSTANCE', 'a b', '..', 'ä']) {
    const { pidfile } = readParams(invoke(ADDRESS, [], name));
    assert.is(pidfile, `/var/run/kamailio_${name}/kamailio.pid`);
  }
});

test('without a name the default pidfile is that of "default"', () => {
  const { pidfile } = readParams(invoke(ADDRESS, [], ''));
  assert.is(pidfile, '/var/run/kamailio_default/kamailio.pid');
});

test('a name that would lead the default pidfile elsewhere is refused, unless a pidfile is set', () => {
  for (const name of ['a/b', '../x', '/', 'a\nb', 'a\u001bb']) {
    assert.match(
      refused(() => readParams(invoke(ADDRESS, [], name))),
      /set the parameter pidfile/,
    );
    const { pidfile } = readParams(invoke({ ...ADDRESS, pidfile: '/run/k.pid' }, [], name));
    assert.is(pidfile, '/run/k.pid');
  }
});

test.run();
