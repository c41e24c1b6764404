import { dirname } from 'node:path';
import { SERVICE_ADDRESS } from '../../cluster/testbed/configuration.ts';
import { PIDFILE } from '../../cluster/testbed/kamailio.ts';
import type { TestbedNode } from '../../cluster/testbed/node.ts';
import type { Testbed } from '../../cluster/testbed/testbed.ts';
import { configuration, removeResources } from './pacemaker.ts';
import type { Service } from './service.ts';

const CONFFILE = '/etc/keepalived/keepalived.conf';
const LOG = '/var/log/keepalived.log';

/** What people write: look with sipsak every second, act on the second failure, advertise every second. */
export const KEEPALIVED_CONF = `global_defs {
  enable_script_security
  script_user root
}
vrrp_script kamailio {
  script "/usr/bin/sipsak -H localhost -s sip:monitor@127.0.0.1:5060"
  interval 1
  fall 2
  rise 2
}
vrrp_instance sip {
  state BACKUP
  nopreempt
  interface eth0
  virtual_router_id 51
  priority 100
  advert_int 1
  virtual_ipaddress {
    ${SERVICE_ADDRESS}/24 dev eth0
  }
  track_script {
    kamailio
  }
}
`;

/** What keepalived does not notice (a main process that died while its children answer) is not waited for longer, ms. */
const NOTICED_WITHIN_MS = 6000;

/** Ends Pacemaker on all nodes, and starts Kamailio and keepalived on two of them. Returns once callers are answered. */
export async function createKeepalived(testbed: Testbed, isSlow: boolean): Promise<void> {
  await removeResources(testbed);
  await testbed.cleanUp();
  for (const node of testbed.nodes) await node.stopCluster();
  for (const node of pairOf(testbed)) {
    await node.mustRun(['sysctl', '-qw', 'net.ipv4.ip_nonlocal_bind=1']);
    await node.write('/etc/kamailio/kamailio.cfg', configuration(isSlow));
    await node.write(CONFFILE, KEEPALIVED_CONF);
    await startKamailio(testbed, node);
    await startKeepalived(node);
  }
  for (const node of pairOf(testbed)) await untilReady(testbed, node);
  await testbed.waitFor(() => testbed.answers(), 'callers are answered');
}

/** Ends keepalived and its Kamailios, and starts Pacemaker again. */
export async function endKeepalived(testbed: Testbed): Promise<void> {
  for (const node of pairOf(testbed)) {
    await terminateKeepalived(node);
    await untilKeepalivedGone(testbed, node);
    await endKamailio(testbed, node);
  }
  for (const node of testbed.nodes) await node.startCluster();
  await testbed.untilOnline();
}

/** The service as it runs now. */
export async function keepalivedService(testbed: Testbed): Promise<Service> {
  const active = await testbed.waitFor(() => addressed(testbed), 'one node has the address');
  const other = pairOf(testbed).find(({ name }) => name !== active.name);
  if (!other) throw new Error('keepalived needs two nodes');
  let hasMoved = false;
  return {
    active,
    move: async () => {
      hasMoved = true;
      await terminateKeepalived(active);
    },
    setRole: () => Promise.reject(new Error('keepalived has no roles')),
    takenUp: async (since) => {
      const isOver = Date.now() - since > NOTICED_WITHIN_MS || (await hasAddress(other));
      return isOver ? Date.now() : undefined;
    },
    restore: async () => {
      if (!active.isOn()) {
        await active.boot();
        await active.stopCluster();
        await active.mustRun(['sysctl', '-qw', 'net.ipv4.ip_nonlocal_bind=1']);
      }
      if (hasMoved) await untilKeepalivedGone(testbed, active);
      await endKamailio(testbed, active);
      await startKamailio(testbed, active);
      await startKeepalived(active);
      await untilReady(testbed, active);
    },
  };
}

/** Two nodes are enough for keepalived. */
function pairOf(testbed: Testbed): readonly TestbedNode[] {
  return testbed.nodes.slice(0, 2);
}

async function addressed(testbed: Testbed): Promise<TestbedNode | undefined> {
  const [first, second] = pairOf(testbed);
  const found = [];
  for (const node of [first, second]) if (node && (await hasAddress(node))) found.push(node);
  return found.length === 1 ? found[0] : undefined;
}

async function hasAddress(node: TestbedNode): Promise<boolean> {
  return (await node.mustRun(['ip', '-o', 'address', 'show', 'to', SERVICE_ADDRESS])) !== '';
}

async function startKamailio(testbed: Testbed, node: TestbedNode): Promise<void> {
  const listen = [`udp:${SERVICE_ADDRESS}:5060`, 'udp:127.0.0.1:5060'].flatMap((socket) => ['-l', socket]);
  await node.mustRun(['install', '-d', '-o', 'kamailio', '-g', 'kamailio', dirname(PIDFILE)]);
  const account = ['setpriv', '--reuid=kamailio', '--regid=kamailio', '--clear-groups', '--'];
  const start = [...account, 'kamailio', '-P', PIDFILE, '-f', '/etc/kamailio/kamailio.cfg', '-T', ...listen];
  await node.mustRun(start);
  const poll = ['sipsak', '-H', 'localhost', '-s', 'sip:monitor@127.0.0.1:5060'];
  await testbed.waitFor(async () => (await node.run(poll)).code === 0, `Kamailio answers on ${node.name}`);
}

async function endKamailio(testbed: Testbed, node: TestbedNode): Promise<void> {
  const pids = async () => (await node.run(['pgrep', '-x', 'kamailio'])).stdout.split('\n').filter(Boolean);
  for (const pid of await pids()) await node.run(['kill', '-KILL', pid]);
  await testbed.waitFor(async () => (await pids()).length === 0, `Kamailio has ended on ${node.name}`);
}

/** Starts keepalived unless it runs. */
async function startKeepalived(node: TestbedNode): Promise<void> {
  const start = 'pgrep -x keepalived >/dev/null || setsid --fork keepalived -n -l -D >>"$1" 2>&1 </dev/null';
  await node.mustRun(['sh', '-c', start, 'start', LOG]);
}

/** As a service manager ends it: it gives the address away. Returns while it does so. */
async function terminateKeepalived(node: TestbedNode): Promise<void> {
  await node.run(['sh', '-c', 'kill "$(cat /run/keepalived.pid)"']);
}

async function untilKeepalivedGone(testbed: Testbed, node: TestbedNode): Promise<void> {
  const isGone = async () => (await node.run(['pgrep', '-x', 'keepalived'])).code === 1;
  await testbed.waitFor(isGone, `keepalived has ended on ${node.name}`);
}

/** Whether Kamailio is healthy in keepalived's eyes: it then is the master or its backup. */
async function untilReady(testbed: Testbed, node: TestbedNode): Promise<void> {
  await testbed.waitFor(async () => {
    const states = [...((await node.read(LOG)) ?? '').matchAll(/Entering (\w+) STATE/g)];
    return ['MASTER', 'BACKUP'].includes(states.at(-1)?.[1] ?? '');
  }, `keepalived is ready on ${node.name}`);
}
