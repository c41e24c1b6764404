import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { processesOf } from '../health/support.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import type { TestInstance } from '../support/instance.ts';
import { ordinaryUser } from '../support/ordinary-user.ts';
import { signalAll } from '../support/processes.ts';

/** Parameters that are unusable although Kamailio runs, and what the reason of the 190 says. */
const UNUSABLE: Readonly<Record<string, readonly (readonly [string, RegExp])[]>> = {
  listen_address: [
    ['', /required parameter listen_address is missing.*SIP is not polled/],
    ['sip.example.org', /listen_address=sip\.example\.org: is no IPv4.*SIP is not polled/],
  ],
  port: [['70000', /port=70000: .*SIP is not polled/]],
  proto: [['sctp', /proto=sctp: .*SIP is not polled/]],
  binary: [['kamailio', /binary=kamailio: is no absolute path/]],
  conffile: [['kamailio.cfg', /conffile=kamailio\.cfg: is no absolute path/]],
  kamuser: [['two words', /kamuser=two words: is no name of an account/]],
  extra_options: [['-A "open', /extra_options=.*: ends inside a quote/]],
  environment: [['LD_PRELOAD=/x.so', /environment=\S+: holds LD_PRELOAD/]],
  monitoring_ip: [['sip.example.org', /monitoring_ip=sip\.example\.org: is no IPv4/]],
  probes: [['udp:', /probes=udp:: entry "udp:"/]],
  probe_user: [['a@b', /probe_user=a@b: is no user part/]],
  probe_uri: [['sip:', /probe_uri=sip:: is no SIP URI.*SIP is not polled/]],
  probe_timeout: [
    ['abc', /probe_timeout=abc: is not a duration/],
    ['500ms', /probe_timeout=500ms: is not a duration from 1 s on/],
  ],
  stop_grace: [['long', /stop_grace=long: is not a duration/]],
  probe_drained: [['busy', /probe_drained=busy: entry "busy" is no code of a reply/]],
  drain: [['now', /drain=now: begins with "now", which is no RPC method/]],
  drain_timeout: [['long', /drain_timeout=long: is not a duration/]],
  kamctlrc: [
    ['kamctlrc', /kamctlrc=kamctlrc: is no absolute path/],
    ['/nonexistent/kamctlrc', /kamctlrc \/nonexistent\/kamctlrc is missing on this node/],
    ['/dev/zero', /\/dev\/zero is no text file of settings/],
  ],
  monitor_tools: [['sipsak', /monitor_tools=sipsak: is not one of builtin, external/]],
};

test('a parameter that is unusable while Kamailio runs costs nothing: 190 with the reason, at each level', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    for (const [name, values] of Object.entries(UNUSABLE)) {
      for (const [value, reason] of values) {
        for (const OCF_CHECK_LEVEL of ['10', '20']) {
          const monitored = await call(instance, 'monitor', { [name]: value }, { env: { OCF_CHECK_LEVEL } });
          assertCall(monitored, 190, /^Kamailio \(pid \d+\) serves, but: /, reason);
        }
        assert.is((await call(instance, 'diagnose', { [name]: value })).code, 190, `diagnose, ${name}`);
      }
    }
    const levelZero = { env: { OCF_CHECK_LEVEL: '0' } };
    assertCall(
      await call(instance, 'monitor', { port: 'x' }, levelZero),
      190,
      /^Kamailio runs \(pid \d+\), but: /,
    );
    assertCall(await call(instance, 'monitor'), 0);
  }));

test('what can still be checked is checked: a Kamailio that does not answer has failed, whatever is unusable', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const receivers = await processesOf(instance, /^udp receiver/);
    signalAll(receivers, 'SIGSTOP');
    const failing = (params: Readonly<Record<string, string>>, ...reasons: readonly RegExp[]) =>
      call(instance, 'monitor', { probe_timeout: '1', ...params }).then((monitored) =>
        assertCall(
          monitored,
          1,
          /^Kamailio runs \(pid \d+\) but is not healthy: udp:127\.0\.0\.1:/,
          ...reasons,
        ),
      );
    await failing({ kamctlrc: '/nonexistent' }, /\|\| kamctlrc \/nonexistent is missing/);
    await failing({ probes: 'udp:' }, /probes=udp:/);
    await failing({ monitoring_ip: 'x' }, /monitoring_ip=x/);
    await failing({ probe_user: 'a@b' }, /probe_user=a@b/);
    signalAll(receivers, 'SIGCONT');
    // The control plane is asked, too, although nothing is polled.
    const rpc = await processesOf(instance, /^JSONRPCS FIFO/);
    signalAll(rpc, 'SIGSTOP');
    const unpolled = await call(instance, 'monitor', { probe_timeout: '1', port: 'x' });
    assertCall(unpolled, 1, /not healthy: control plane: .*port=x.*SIP is not polled/);
    signalAll(rpc, 'SIGCONT');
    assertCall(await call(instance, 'monitor'), 0);
  }));

test('a refusal of a poll that only stands in for another is a sign of life', () =>
  withInstance(
    { route: 'if ($rU == "other") { sl_send_reply("200", "OK"); exit; } sl_send_reply("404", "Not here");' },
    async (instance) => {
      const usual = { probe_user: 'other' };
      assertCall(await call(instance, 'start', usual), 0);
      assertCall(await call(instance, 'monitor', usual), 0);
      assertCall(await call(instance, 'monitor', { probe_user: 'monitor' }), 1, /404/);
      assertCall(await call(instance, 'monitor', { probe_user: 'oth er' }), 190, /probe_user=oth er/);
      assert.is((await call(instance, 'diagnose', { probe_user: 'oth er' })).code, 190);
    },
  ));

test('with conf_* the sockets are not guessed where the parameter that named them is unusable', () =>
  withInstance(
    {
      params: { proto: 'conf_udp', listen_address: '127.0.0.9' },
      config: (port) => `listen=udp:127.0.0.1:${port}`,
    },
    async (instance) => {
      const probes = `udp:127.0.0.1:${instance.port}`;
      assertCall(await call(instance, 'start', { probes }), 0);
      assertCall(await call(instance, 'monitor', { probes: 'udp!' }), 190, /probes=udp!.*SIP is not polled/);
      assertCall(await call(instance, 'monitor', { probes, monitoring_ip: 'x', port: 'y' }), 190, /port=y/);
    },
  ));

test('a Kamailio whose pidfile no start would accept is found by its processes, as a stop finds it', () =>
  withInstance({}, async (instance) => {
    const relative = { pidfile: 'kamailio.pid' };
    const started = await startByHand(instance, relative.pidfile);
    try {
      assertCall(
        await call(instance, 'monitor', relative),
        190,
        /pidfile=kamailio\.pid: is no absolute path/,
      );
    } finally {
      assertCall(await call(instance, 'stop', relative), 0);
    }
    assert.is(started, 0);
    assertCall(await call(instance, 'monitor', relative), 7, /^not running: /);
  }));

/** Starts Kamailio with a pidfile as it is written, in the instance's directory, as the shell agent would. */
async function startByHand(
  { conffile, directory, port }: TestInstance,
  pidfile: string,
): Promise<number | null> {
  const listen = ['-l', `udp:127.0.0.1:${port}`, '-l', `tcp:127.0.0.1:${port}`];
  const args = ['-P', pidfile, '-f', conffile, '-w', directory, ...listen];
  return spawnSync('/usr/sbin/kamailio', args, { cwd: directory, stdio: 'ignore' }).status;
}

test('where nothing of the instance runs, nothing else matters', () =>
  withInstance({}, async (instance) => {
    rmSync(instance.kamctlrc);
    for (const params of [
      {},
      { listen_address: 'x', port: 'x', proto: 'x', pidfile: 'x', kamctlrc: 'x', probe_timeout: 'x' },
      { monitor_tools: 'external', sipsak: '/nonexistent', kamctl: '/nonexistent' },
      { binary: '/nonexistent/kamailio', conffile: '/nonexistent/kamailio.cfg', kamuser: 'nobody_knows_me' },
    ]) {
      for (const OCF_CHECK_LEVEL of ['0', '10', '20'])
        assertCall(
          await call(instance, 'monitor', params, { env: { OCF_CHECK_LEVEL } }),
          7,
          /^not running: /,
        );
    }
  }));

test('a kamctlrc that the caller may not read leaves the control plane unchecked', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    chmodSync(instance.kamctlrc, 0o600);
    const { uid, gid, agent, path } = ordinaryUser(instance.directory);
    const options = { uid, gid, agent, env: { PATH: path } };
    assertCall(
      await call(instance, 'monitor', {}, options),
      190,
      /kamctlrc \S+ cannot be read; call the agent as root/,
    );
  }));

test('durations may have the units that the timeouts of operations have', () =>
  withInstance({}, async (instance) => {
    for (const probe_timeout of ['5s', '5000ms', '1min', '5 SEC']) {
      const params = { probe_timeout, stop_grace: '1min' };
      assertCall(await call(instance, 'validate-all', params), 0);
      assertCall(await call(instance, 'start', params), 0);
      assertCall(await call(instance, 'monitor', params), 0);
    }
  }));

test.run();
