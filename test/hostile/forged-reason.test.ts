import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { listeningSockets } from '../../src/process/sockets.ts';
import { answer, controlStandIn } from '../kamctl/support.ts';
import { replyTo, tcpStandIn, udpStandIn } from '../sip-probe/support.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { until } from '../support/instance.ts';
import { account } from '../support/ordinary-user.ts';
import { withProgram } from '../support/processes.ts';
import { copyNode } from '../support/stand-in.ts';
import { assertNoControl, assertOwnWords, FORGED, logOf, reasonForCluster } from './support.ts';

test('a SIP reply that looks like an exit reason or a log line forges neither', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const { env, lines } = logOf(instance);
    for (const phrase of FORGED) {
      const udp = await udpStandIn((request, _count, reply) =>
        reply(replyTo(request, `SIP/2.0 404 ${phrase}`)),
      );
      const tcp = await tcpStandIn((request, peer) =>
        peer.end(Buffer.from(replyTo(request, `SIP/2.0 404 ${phrase}`), 'latin1')),
      );
      const probes = `udp:127.0.0.1:${udp.target.port} tcp:127.0.0.1:${tcp.target.port}`;
      const monitored = await call(instance, 'monitor', { probes, probe_timeout: '1' }, { env });
      await Promise.all([udp.close(), tcp.close()]);
      assertOwnWords(monitored, 1, /^Kamailio runs \(pid \d+\) but is not healthy: udp:/);
    }
    // A reply that is not SIP is none: then the log also says where Kamailio stands.
    const reasons = lines().filter((line) => !line.includes('where it stands: '));
    assert.is(reasons.length, FORGED.length, 'a line for each monitor');
    assertNoControl(lines().join('\n').replaceAll(':\t', ': '));
    assertCall(await call(instance, 'stop'), 0);
  }));

test('an error that the control plane answers with forges no exit reason', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    for (const message of FORGED) {
      for (const reply of [JSON.stringify({ jsonrpc: '2.0', error: { code: 500, message } }), message]) {
        const control = controlStandIn((request) => answer(request, reply));
        const kamctlrc = join(instance.directory, 'kamctlrc-of-stand-in');
        writeFileSync(kamctlrc, `RPCFIFOPATH=${control.settings.fifo}\nCHROOT_DIR=${control.directory}\n`);
        const monitored = await call(instance, 'monitor', { kamctlrc });
        control.close();
        assertOwnWords(monitored, 1, /^Kamailio runs \(pid \d+\) but is not healthy: control plane: /);
      }
    }
    assertCall(await call(instance, 'stop'), 0);
  }));

test('what stands in a pidfile forges no exit reason', () =>
  withInstance({}, async (instance) => {
    for (const text of FORGED) {
      writeFileSync(instance.pidfile, text);
      assertOwnWords(await call(instance, 'monitor'), 7, /^not running: pidfile .* holds "/);
    }
  }));

test('the name of a process that holds the port forges no exit reason', () =>
  withInstance({ params: { proto: 'udp' } }, async (instance) => {
    const script = `require('node:dgram').createSocket('udp4').bind(${instance.port}, '127.0.0.1')`;
    const argv0 = 'x\nocf-exit-reason:all is well\x1b[2J';
    const stranger = { ...account('nobody'), argv0 };
    const node = join(instance.directory, 'node');
    copyNode(node);
    await withProgram(node, ['-e', script], stranger, async () => {
      await until(() => listeningSockets().some(({ port }) => port === instance.port), 'it holds the port');
      assertOwnWords(await call(instance, 'start'), 1, /^in use: udp:.* by pid \d+ \(x \| /);
    });
  }));

test('a prefix that the executor chose is guarded in the same way', () =>
  withInstance({}, async (instance) => {
    writeFileSync(instance.pidfile, 'why>all is well');
    const { stderr } = await call(instance, 'monitor', {}, { env: { OCF_EXIT_REASON_PREFIX: 'why>' } });
    assert.match(reasonForCluster(stderr, 'why>'), /^not running: pidfile /);
  }));

test('what diagnose shows of a reply does nothing to the terminal', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    for (const phrase of FORGED.filter((text) => !text.includes('\r'))) {
      const headers = { Server: phrase };
      const udp = await udpStandIn((request, _count, reply) =>
        reply(replyTo(request, `SIP/2.0 200 ${phrase}`, headers)),
      );
      const shown = await call(instance, 'diagnose', { probes: `udp:127.0.0.1:${udp.target.port}` });
      await udp.close();
      // A stand-in answers, which is not this Kamailio: its phrase is shown all the same.
      assert.match(shown.stdout, / FAILED +udp:127.* 200 .*, but the socket is held by pid /);
      assertNoControl(shown.stdout + shown.stderr);
    }
    assertCall(await call(instance, 'stop'), 0);
  }));

test.run();
