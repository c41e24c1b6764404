import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allTransports } from '../health/support.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';

/** A tcp line that an included file brings in. */
const TCP_LINE = {
  params: { proto: 'udp' },
  config: (port: number, directory: string) => {
    appendFileSync(join(directory, 'sockets.cfg'), `listen=tcp:127.0.0.1:${port}\n`);
    return 'include_file "sockets.cfg"';
  },
};

test('proto=udp takes the tcp lines of kamailio.cfg away, which validate-all and diagnose say', () =>
  withInstance(TCP_LINE, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const probes = `tcp:127.0.0.1:${instance.port}`;
    assertCall(await call(instance, 'monitor', { probes }), 1, /nobody listens there/);
    const warned = `proto=udp starts Kamailio with -T, which switches its sockets ${probes} off`;
    const validated = await call(instance, 'validate-all');
    assertCall(validated, 0);
    assert.match(validated.stderr, new RegExp(`^WARNING: ${instance.conffile}: ${warned} .*conf_udp`, 'm'));
    const report = await call(instance, 'diagnose');
    assert.is(report.code, 0);
    assert.match(report.stdout, new RegExp(`WARNING +configuration +.*: ${warned}`));
    for (const proto of ['tcp', 'udptcp', 'conf_udp'])
      assert.is((await call(instance, 'validate-all', { proto })).stderr, '', proto);
  }));

test('tls sockets are named as such, and a rejected configuration is not asked again', () =>
  withInstance(allTransports(), async (instance) => {
    const { stderr } = await call(instance, 'validate-all', { proto: 'udp' });
    assert.match(stderr, new RegExp(`tls:127\\.0\\.0\\.1:${instance.port + 1}, tls:\\[::1\\]:`));
    appendFileSync(instance.conffile, 'this is no line of a kamailio.cfg\n');
    const broken = await call(instance, 'validate-all', { proto: 'udp' });
    assertCall(broken, 2, /rejects its configuration/);
    assert.not.match(broken.stderr, /WARNING/);
  }));

test.run();
