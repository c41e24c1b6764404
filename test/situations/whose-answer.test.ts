import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { type TestInstance, until } from '../support/instance.ts';
import { signalAll } from '../support/processes.ts';

const SHORT = { env: { OCF_RESKEY_CRM_meta_timeout: '10000' } };

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
        assertCall(started, 1, /in use: udp:\S+ by pid/, /listen_address and port/, names(first));
        assertCall(await call(second, 'start'), 0);
        for (const level of ['10', '20'])
          assertCall(
            await call(second, 'monitor', params, { env: { OCF_CHECK_LEVEL: level } }),
            1,
            /not healthy: udp:\S+: the socket is held by pid .*, not by this Kamailio/,
            names(first),
          );
        const { stdout } = await call(second, 'diagnose', params);
        assert.match(stdout, /FAILED +udp:127\.0\.0\.1:\d+ +200 OK .*, but the socket is held by pid/);
        assertCall(await call(second, 'stop'), 0);
        assertCall(await call(first, 'monitor'), 0);
      },
    ),
  ));

/**
 * Starts a Kamailio on the UDP socket of another, as the system's unit does after an upgrade, or a person by hand: the
 * agent would refuse. Its sockets are those of option -l.
 */
async function launchBeside(first: TestInstance, second: TestInstance, address = '127.0.0.1'): Promise<void> {
  const words = ['-P', second.pidfile, '-f', second.conffile, '-T', '-l', `udp:${address}:${first.port}`];
  await promisify(execFile)('/usr/sbin/kamailio', words);
  const isUp = async () => (await call(second, 'monitor', { port: String(first.port) })).code !== 7;
  await until(() => existsSync(second.fifo) && isUp(), 'the second Kamailio is up');
}

const UDP = { params: { proto: 'udp' } };

test('a second Kamailio on the UDP socket of the first is seen by each check, and named after a stop', () =>
  withInstance(UDP, (first) =>
    withInstance(UDP, async (second) => {
      assertCall(await call(first, 'start'), 0);
      await launchBeside(first, second);
      const also = /^Kamailio runs \(pid \d+\) but is not healthy: udp:\S+: also held by pid/;
      const monitors = (params = {}) =>
        Promise.all(
          [{}, { OCF_CHECK_LEVEL: '10' }, { OCF_CHECK_LEVEL: '20' }].map(async (env) =>
            assertCall(await call(first, 'monitor', params, { env }), 1, also, names(second)),
          ),
        );
      await monitors();
      // The other one answers even for workers that hang, and nothing else would tell.
      const workers = first.pids().filter((pid) => pid !== first.mainPid());
      signalAll(workers, 'SIGSTOP');
      await monitors({ kamctlrc: '' });
      signalAll(workers, 'SIGCONT');
      const diagnosed = await call(first, 'diagnose');
      assert.is(diagnosed.code, 1);
      assert.match(diagnosed.stdout, /FAILED +udp:\S+ +200 OK .*, but also held by pid/);
      const others = second.pids();
      const stopped = await call(first, 'stop');
      assertCall(stopped, 0);
      assert.match(stopped.stderr, /^WARNING: udp:\S+ is held by pid .* it still answers callers there$/m);
      assert.match(stopped.stderr, names(second));
      assert.equal(second.pids(), others, 'the second one lives on');
    }),
  ));

test('a start refuses to take the UDP socket of another Kamailio, and launches nothing', () =>
  withInstance(UDP, (first) =>
    withInstance(UDP, async (second) => {
      assertCall(await call(first, 'start'), 0);
      const port = { port: String(first.port) };
      assertCall(
        await call(second, 'start', port),
        1,
        /^in use: udp:\S+ by pid .* this start has launched nothing; end what holds the socket$/,
        names(first),
      );
      assert.equal(second.pids(), []);
      assertCall(await call(first, 'monitor'), 0);
      // A stop of what does not run says what answers, too.
      assert.match((await call(second, 'stop', port)).stderr, names(first));
      assertCall(await call(first, 'stop'), 0);
      assertCall(await call(second, 'start', port), 0);
      const stopped = await call(second, 'stop', port);
      assert.not.match(stopped.stderr, /WARNING/);
    }),
  ));

test('a Kamailio on all addresses does not share the socket of one on a single address', () =>
  withInstance(UDP, (first) =>
    withInstance(UDP, async (second) => {
      assertCall(await call(first, 'start'), 0);
      // The kernel gives it what nobody else listens for.
      await launchBeside(first, second, '0.0.0.0');
      for (const OCF_CHECK_LEVEL of ['10', '20'])
        assertCall(await call(first, 'monitor', {}, { env: { OCF_CHECK_LEVEL } }), 0);
      assertCall(await call(first, 'stop'), 0);
      assertCall(await call(first, 'start'), 0);
      assertCall(await call(first, 'stop'), 0);
    }),
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
