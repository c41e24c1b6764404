import { spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readArgv } from '../../src/process/procfs.ts';
import { readPolls } from '../../src/watch/state.ts';
import { AGENT, type Call } from '../support/agent.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { type InstanceOptions, type TestInstance, until } from '../support/instance.ts';
import { ownCertificate, webSockets } from './support.ts';

/** Two interfaces with link-local addresses: fe80::1 is on va, fe80::2 on vb. Ends with its stdin. */
const NETWORK = `set -e
ip link set lo up
ip link add va type veth peer name vb
for name in va vb; do ip link set $name addrgenmode none; ip link set $name up; done
ip -6 address add fe80::1/64 dev va nodad
ip -6 address add fe80::2/64 dev vb nodad
echo up
read -r _ || true`;

type Agent = (
  action: string,
  params?: Readonly<Record<string, string>>,
  env?: Readonly<Record<string, string>>,
) => Promise<Call>;

/** Runs `body` with an instance, and the agent, in a network namespace of their own. */
async function withNetwork(
  options: InstanceOptions,
  body: (instance: TestInstance, agent: Agent) => Promise<void>,
): Promise<void> {
  const holder = spawn('unshare', ['--net', 'sh', '-c', NETWORK], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => holder.once('exit', resolve));
  try {
    const first = await Promise.race([new Promise((resolve) => holder.stdout.once('data', resolve)), ended]);
    assert.is(String(first), 'up\n');
    await withInstance(options, async (instance) => {
      const path = join(instance.directory, 'agent');
      writeFileSync(path, `#!/bin/sh\nexec nsenter --target ${holder.pid} --net -- ${AGENT} "$@"\n`);
      chmodSync(path, 0o755);
      try {
        await body(instance, (action, params, env = {}) =>
          call(instance, action, params, { agent: path, env }),
        );
      } finally {
        await call(instance, 'stop', {}, { agent: path });
      }
    });
  } finally {
    holder.stdin.end();
    await ended;
  }
}

const LINK_LOCAL = { params: { listen_address: 'fe80::1%va' }, config: 'bind_ipv6_link_local=1' };

test('Kamailio on a link-local address is started, monitored, watched and explained by its zone', () =>
  withNetwork(LINK_LOCAL, async (instance, agent) => {
    const { port } = instance;
    assertCall(await agent('start'), 0);
    // Kamailio would look an address with a zone up as a name.
    const words = readArgv(instance.mainPid()) ?? [];
    const sockets = ['udp', 'tcp'].flatMap((one) => [`${one}:[fe80::1]:${port}`, `${one}:[::1]:${port}`]);
    assert.equal(
      words.filter((_word, index) => words[index - 1] === '-l'),
      sockets,
    );
    const both = (address: string) => `udp:[${address}]:${port} tcp:[${address}]:${port}`;
    for (const params of [
      {},
      { listen_address: '[fe80::1%va]' },
      { listen_address: 'fe80::1' },
      { listen_address: '::1', monitoring_ip: 'fe80::1%va' },
      { probes: both('fe80::1%va') },
      { probes: 'none' },
      { monitor_tools: 'external', kamctlrc: '' },
    ])
      for (const OCF_CHECK_LEVEL of ['10', '20'])
        assertCall(await agent('monitor', params, { OCF_CHECK_LEVEL }), 0);
    assertCall(
      await agent('monitor', { probes: both('fe80::1') }),
      1,
      /udp:\[fe80::1\]:\d+: .*EINVAL.*needs its zone/,
    );
    assertCall(
      await agent('monitor', { probes: both('fe80::2%vb') }),
      1,
      /udp:\[fe80::2%vb\]:\d+: nobody listens/,
    );
    const report = await agent('diagnose');
    assert.is(report.code, 0, report.stdout);
    for (const one of ['udp', 'tcp'])
      assert.match(report.stdout, new RegExp(`ok +${one}:\\[fe80::1%va\\]:${port} +200 OK`));
    assertCall(await agent('reload-agent', { watch: 'sip' }), 0);
    for (const one of ['udp', 'tcp'])
      await until(
        () =>
          new RegExp(`^${one}:\\[fe80::1%va\\]:${port}: [1-9]\\d* of`, 'm').test(
            readPolls(instance.pidfile) ?? '',
          ),
        `the watcher is answered over ${one}`,
      );
    assertCall(await agent('stop', { watch: 'sip' }), 0);
    assertCall(await agent('monitor'), 7);
  }));

test('WebSockets on a link-local address are polled by its zone, inside TLS as well, by monitor and watcher', () =>
  withNetwork(webSockets('sip', '[fe80::1]'), async (instance, agent) => {
    const { port } = instance;
    const probes = [`ws:[fe80::1%va]:${port}/sip?v=1`, `wss:[fe80::1%va]:${port + 1}`];
    const params = {
      listen_address: 'fe80::1%va',
      probes: probes.join(' '),
      watch: 'sip',
      ...ownCertificate(instance),
    };
    assertCall(await agent('start', params), 0);
    assertCall(await agent('monitor', params), 0);
    assertCall(
      await agent('monitor', { ...params, probes: `wss:[fe80::1%va]:${port}` }),
      1,
      /(no answer to|closed in) the TLS handshake; is this a tls socket/,
    );
    const lines = () => (readPolls(instance.pidfile) ?? '').split('\n');
    for (const one of probes)
      await until(
        () => lines().some((line) => line.startsWith(`${one}: `) && !line.startsWith(`${one}: 0 of`)),
        `the watcher is answered by ${one}`,
      );
    assertCall(await agent('stop', params), 0);
  }));

test('a Kamailio that may not bind link-local addresses says in the reason what kamailio.cfg lacks', () =>
  withNetwork({ params: LINK_LOCAL.params }, async (instance, agent) => {
    assertCall(await agent('start'), 1, /bind_ipv6_link_local/);
    assert.equal(instance.pids(), []);
  }));

test.run();
