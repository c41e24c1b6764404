import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertCall, call, withInstance } from '../support/calls.ts';
import type { TestInstance } from '../support/instance.ts';

const SHORT = { env: { OCF_RESKEY_CRM_meta_timeout: '6000' } };

/** Runs `body` with two instances, of which the first is started. */
function withTwo(
  body: (first: TestInstance, second: TestInstance) => Promise<void>,
  second: Parameters<typeof withInstance>[0] = {},
): Promise<void> {
  return withInstance({}, (one) =>
    withInstance(second, async (other) => {
      assertCall(await call(one, 'start'), 0);
      await body(one, other);
    }),
  );
}

/** The reason names the process by pid, program and pidfile: that is what a person looks for. */
function names(instance: TestInstance): RegExp {
  return new RegExp(`by pid \\d+ \\(/usr/sbin/kamailio, pidfile ${instance.pidfile}\\)`);
}

test('a control plane that another instance answers fails the start, with the other in the reason', () =>
  withTwo(async (first, second) => {
    // Its kamctlrc names the FIFO of the first, as the default one does for each instance without a kamctlrc of its own.
    const params = { kamctlrc: first.kamctlrc };
    const started = await call(second, 'start', params, SHORT);
    assertCall(started, 1, names(first), /not by this Kamailio; name the fifo_name of this Kamailio/);
    assertCall(await call(first, 'monitor'), 0);
  }));

test('a monitor at level 10 and diagnose see that another instance answers for the control plane', () =>
  withTwo(async (first, second) => {
    assertCall(await call(second, 'start'), 0);
    const params = { kamctlrc: first.kamctlrc };
    assertCall(await call(second, 'monitor', params), 1, names(first));
    const { code, stdout } = await call(second, 'diagnose', params);
    assert.is(code, 1);
    assert.match(stdout, /FAILED +control plane +the FIFO .* is read by pid/);
    // The other one's end must not be what this one is restarted for: it says so before.
    assertCall(await call(first, 'stop'), 0);
    assertCall(await call(second, 'monitor'), 0);
    assertCall(await call(second, 'stop'), 0);
  }));

test('a FIFO that a second instance has taken over is reported by the monitor of the first', () =>
  withTwo(async (first, second) => {
    // Both configurations name one FIFO; the second instance removes the first one's and makes its own.
    const config = readFileSync(second.conffile, 'utf8');
    writeFileSync(second.conffile, config.replaceAll(second.fifo, first.fifo));
    const params = { kamctlrc: first.kamctlrc };
    assertCall(await call(second, 'start', params), 0);
    const monitored = await call(first, 'monitor');
    assertCall(monitored, 1, /this Kamailio's own FIFO .* was replaced, and pid/, /fifo_name of its own/);
    assert.match(monitored.reason, second.pidfile);
    assertCall(await call(second, 'monitor', params), 0);
    assertCall(await call(second, 'stop', params), 0);
  }));

test("a socket that another instance holds fails the start: its answer is not this one's", () =>
  withInstance({}, (first) =>
    withInstance(
      // The listen line names another port than the parameter, which is the first one's.
      { params: { proto: 'conf_udp' }, config: (port) => `listen=udp:127.0.0.1:${port}` },
      async (second) => {
        assertCall(await call(first, 'start'), 0);
        const params = { port: String(first.port) };
        const started = await call(second, 'start', params, SHORT);
        assertCall(started, 1, /the socket is held by pid/, names(first));
        assertCall(await call(second, 'start'), 0);
        // At level 10 a monitor does not look at descriptors; at level 20 it does, and so does diagnose.
        const deep = { env: { OCF_CHECK_LEVEL: '20' } };
        assertCall(await call(second, 'monitor', params, deep), 1, names(first));
        const { stdout } = await call(second, 'diagnose', params);
        assert.match(stdout, /FAILED +udp:127\.0\.0\.1:\d+ +200 OK .*, but the socket is held by pid/);
        assertCall(await call(second, 'stop'), 0);
        assertCall(await call(first, 'monitor'), 0);
      },
    ),
  ));

test('diagnose finds by itself that another Kamailio has the sockets of one that does not run', () =>
  withTwo(async (first, second) => {
    const { code, stdout } = await call(second, 'diagnose', { port: String(first.port) });
    assert.is(code, 7);
    assert.match(stdout, new RegExp(`FAILED +udp:127\\.0\\.0\\.1:${first.port} .*pidfile ${first.pidfile}`));
    assert.match(stdout, /end that process, or give this instance a socket of its own/);
  }));

test('diagnose warns that whoever has an address that is not on this node answers for it', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const { stdout } = await call(instance, 'diagnose', { monitoring_ip: '192.0.2.77', probe_timeout: '1' });
    assert.match(stdout, /FAILED +udp:192\.0\.2\.77:\d+/);
    const { stderr } = await call(instance, 'validate-all', { monitoring_ip: '192.0.2.77' });
    assert.match(stderr, /^WARNING: .*192\.0\.2\.77 is not on this node: whoever has it answers/m);
    assertCall(await call(instance, 'stop'), 0);
  }));

test.run();
