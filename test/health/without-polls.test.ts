import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { callAgent } from '../support/agent.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { freePort } from '../support/ports.ts';
import { signalAll } from '../support/processes.ts';
import { processesOf } from './support.ts';

/** As a sipcapture does: it takes all that comes in, and answers nothing. */
const CAPTURE = { route: 'exit;', params: { probes: 'none', probe_timeout: '1' } };

test('a Kamailio that answers no SIP is started, monitored and explained with probes=none', () =>
  withInstance(CAPTURE, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    for (const OCF_CHECK_LEVEL of ['0', '10', '20']) {
      const monitored = await call(instance, 'monitor', {}, { env: { OCF_CHECK_LEVEL } });
      assertCall(monitored, 0);
      assert.is(monitored.stderr, '');
    }
    const noSipsak = { monitor_tools: 'external', sipsak: '/nonexistent', kamctlrc: '' };
    assertCall(await call(instance, 'monitor', noSipsak), 0);
    const report = await call(instance, 'diagnose');
    assert.is(report.code, 0, report.stdout);
    assert.match(
      report.stdout,
      /ok +sockets +Kamailio listens on all of them; SIP is not polled \(probes=none\)/,
    );
    // What is wrong with the values costs nothing: neither a slip of the word nor a port that is none.
    assertCall(await call(instance, 'monitor', { probes: 'nome' }), 190, /entry "nome" .*SIP is not polled/);
    assertCall(await call(instance, 'monitor', { port: 'x' }), 190, /port=x: .*SIP is not polled/);
    assertCall(await call(instance, 'monitor', { listen_address: 'x', monitoring_ip: '127.0.0.1' }), 190);
    assertCall(await call(instance, 'stop'), 0);
    assertCall(await call(instance, 'monitor'), 7);
  }));

test('without polls, sockets that are not there, stopped workers and a control plane that hangs are failures', () =>
  withInstance(CAPTURE, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const port = await freePort();
    assertCall(
      await call(instance, 'monitor', { port: String(port) }),
      1,
      new RegExp(`udp:127\\.0\\.0\\.1:${port}: this Kamailio does not listen there; .*\\|\\| tcp:`),
    );
    const other = createSocket('udp4').bind(port, '127.0.0.1');
    await once(other, 'listening');
    try {
      const foreign = await call(instance, 'monitor', { port: String(port), proto: 'udp' });
      assertCall(foreign, 1, new RegExp(`held by pid ${process.pid} .*, not by this Kamailio`));
    } finally {
      other.close();
    }
    const rpc = await processesOf(instance, /^JSONRPCS FIFO/);
    const workers = instance.pids().filter((pid) => pid !== instance.mainPid());
    signalAll(rpc, 'SIGSTOP');
    assertCall(await call(instance, 'monitor'), 1, /not healthy: control plane: /);
    assertCall(await call(instance, 'monitor', { kamctlrc: '' }), 0);
    signalAll(workers, 'SIGSTOP');
    assertCall(
      await call(instance, 'monitor', { kamctlrc: '' }),
      1,
      /all \d+ workers are stopped.*kill -CONT/,
    );
    signalAll(workers, 'SIGCONT');
    assertCall(await call(instance, 'monitor'), 0);
  }));

test('a start without polls waits for the sockets, and names the one that never comes', () =>
  withInstance({ ...CAPTURE, config: (port) => `listen=udp:127.0.0.2:${port}` }, async (instance) => {
    const elsewhere = { proto: 'conf_udp', CRM_meta_timeout: '6000' };
    assertCall(
      await call(instance, 'start', elsewhere),
      1,
      /udp:127\.0\.0\.1:\d+: this Kamailio does not listen/,
    );
    assert.equal(instance.pids(), []);
    assertCall(await call(instance, 'start', { proto: 'conf_udp', listen_address: '127.0.0.2' }), 0);
  }));

test('any other word is refused, and so is none beside a socket', async () => {
  for (const probes of ['off', 'None', 'none udp:127.0.0.1', 'none,']) {
    const refused = await callAgent('validate-all', { listen_address: '127.0.0.1', probes });
    assertCall(refused, 6, /probes=.*: (entry|has an empty entry)/);
  }
});

test.run();
