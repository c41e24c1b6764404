import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { allProbes, allTransports, processesOf } from '../../health/support.ts';
import { assertCall, call, withInstance } from '../../support/calls.ts';
import type { InstanceOptions, TestInstance } from '../../support/instance.ts';
import { account } from '../../support/ordinary-user.ts';
import { processesNaming, signalAll, untilGone } from '../../support/processes.ts';
import { type Check, sinceKamailio } from './check.ts';

const GROUP = 'async_workers_group="name=udp;workers=2;nonblock=0;usleep=0"';

/** Threads of one process receive: 1, for all UDP sockets; 2, for those that name a group of workers. */
const THREADS: Readonly<Record<string, (port: number) => string>> = {
  1: (port) => `udp_receiver_mode=1\n${GROUP}\nlisten=udp:127.0.0.1:${port}`,
  2: (port) => `udp_receiver_mode=2\n${GROUP}\nsocket = { bind = udp:127.0.0.1:${port}; agname = "udp"; }`,
};

/** The lives of an instance that each release goes through, from start to stop. */
export const LIFE: readonly Check[] = [
  ...['127.0.0.1', '::1'].map((listen_address) => ({
    name: `life with proto udp, tcp and udptcp on ${listen_address}`,
    run: async () => {
      for (const proto of ['udp', 'tcp', 'udptcp'])
        await withInstance({ params: { proto, listen_address } }, (instance) => live(instance));
    },
  })),
  {
    name: 'life as kamuser and kamgroup',
    run: () => withInstance(asKamailio(), (instance) => live(instance)),
  },
  {
    name: 'life with UDP, TCP and TLS on IPv4 and IPv6, all polled',
    run: () => withInstance(allTransports(), liveOnAll),
  },
  {
    name: 'the same as kamuser and kamgroup',
    run: () => withInstance(asKamailio(allTransports()), liveOnAll),
  },
  {
    name: 'kamailio.cfg and kamctlrc as packaged, with probe_user empty, by the default FIFO',
    run: () => withInstance(asKamailio(), liveWithPackagedFiles),
  },
  ...Object.entries(THREADS).map(([mode, config]) => ({
    name: `life, level 20 and a crash with udp_receiver_mode=${mode} (threads)`,
    whyNot: sinceKamailio(6, 1),
    run: () => withInstance({ config, params: { proto: 'conf_udp' } }, liveAndCrash),
  })),
];

/** Takes an instance through its life; `params` go over its own. */
async function live(instance: TestInstance, params: Readonly<Record<string, string>> = {}): Promise<void> {
  const step = (action: string) => call(instance, action, params);
  assertCall(await step('monitor'), 7, /^not running: /);
  assertCall(await step('validate-all'), 0);
  assertCall(await step('start'), 0);
  const healthy = await step('monitor');
  assertCall(healthy, 0);
  assert.is(healthy.stdout + healthy.stderr, '', 'a healthy monitor prints nothing');
  assertAccount(instance);
  const deep = await call(instance, 'monitor', params, { env: { OCF_CHECK_LEVEL: '20' } });
  assertCall(deep, 0);
  assertCall(await step('stop'), 0);
  assertGone(instance);
  assertCall(await step('monitor'), 7, /^not running: /);
}

function liveOnAll(instance: TestInstance): Promise<void> {
  return live(instance, { probes: allProbes(instance.port) });
}

/** Only what names the instance is given: files and FIFO are those of the package kamailio. */
async function liveWithPackagedFiles(instance: TestInstance): Promise<void> {
  const params = {
    conffile: '/etc/kamailio/kamailio.cfg',
    kamctlrc: '/etc/kamailio/kamctlrc',
    probe_user: '',
  };
  await live(instance, params);
  assertCall(await call(instance, 'start', params), 0);
  rmSync('/run/kamailio/kamailio_rpc.fifo');
  const cut = await call(instance, 'monitor', params);
  assertCall(cut, 190, /control plane: the FIFO \/(var\/)?run\/kamailio\/kamailio_rpc\.fifo that .* removed/);
  assertCall(await call(instance, 'stop', params), 0);
}

async function liveAndCrash(instance: TestInstance): Promise<void> {
  await live(instance);
  assertCall(await call(instance, 'start'), 0);
  const receivers = await processesOf(instance, /^udp multithreaded receiver/);
  assert.is(receivers.length, 1);
  assert.ok(readdirSync(`/proc/${receivers[0]}/task`).length > 1, 'threads receive');
  const main = instance.mainPid();
  signalAll([main], 'SIGKILL');
  await untilGone(main);
  assertCall(await call(instance, 'monitor'), 1, /^the main process is not known /);
  assertCall(await call(instance, 'start'), 0);
  assertCall(await call(instance, 'monitor'), 0);
  assertCall(await call(instance, 'stop'), 0);
  assertGone(instance);
}

/** An instance that is kamailio's own, with its files. */
function asKamailio(options: InstanceOptions = {}): InstanceOptions {
  const params = { ...options.params, kamuser: 'kamailio', kamgroup: 'kamailio' };
  return { ...options, ...account('kamailio'), params };
}

function assertAccount(instance: TestInstance): void {
  const { kamuser } = instance.params;
  const { uid } = kamuser ? account(kamuser) : { uid: 0 };
  const status = readFileSync(`/proc/${instance.mainPid()}/status`, 'utf8');
  assert.match(status, new RegExp(`^Uid:\\t${uid}\\t${uid}\\t`, 'm'));
}

function assertGone(instance: TestInstance): void {
  assert.equal([...processesNaming(instance.pidfile)], [], 'every process is gone');
  assert.not(existsSync(instance.pidfile), 'the pidfile is gone');
}
