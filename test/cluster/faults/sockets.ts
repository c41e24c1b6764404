import { SERVICE_ADDRESS } from '../testbed/configuration.ts';
import { ADDRESS_RESOURCE } from '../testbed/kamailio.ts';
import { CONFFILE, configuration, setParameter, setTimeoutOf, TIMEOUTS } from './configuration.ts';
import { DEAD, type Fault } from './fault.ts';
import { endUnharmed, startOther } from './other-kamailio.ts';

/** Takes the TCP port as soon as it is free. */
const TCP_THIEF = `const server = require('node:net').createServer();
const listen = () => server.listen(5060, '${SERVICE_ADDRESS}');
server.on('error', () => setImmediate(listen)).once('error', () => console.log('waits'));
listen();`;
const UDP_THIEF = `require('node:dgram').createSocket({ type: 'udp4', reuseAddr: true })
.bind(5060, '${SERVICE_ADDRESS}');`;

/** Faults of sockets, addresses and the network. */
export const SOCKET_FAULTS: readonly Fault[] = [
  {
    broken: 'another program takes the TCP port of a Kamailio that has died',
    monitor: DEAD,
    start: { code: 1, reason: new RegExp(`in use: tcp:${SERVICE_ADDRESS}:5060 by pid \\d+`) },
    cluster: 'moves it',
    inflict: async ({ testbed, node, signal, pids }) => {
      const thief = node.start(['node', '-e', TCP_THIEF]);
      await testbed.waitFor(() => thief.stdout().includes('waits'), 'the other program waits for the port');
      await signal('KILL', pids);
      return () => thief.stop('SIGKILL');
    },
  },
  {
    // Kamailio shares UDP ports (SO_REUSEADDR): who binds last gets the datagrams.
    broken: 'another program takes the UDP port away from a running Kamailio',
    monitor: { code: 1, reason: /5060: also held by pid \d+ \(\S*node/ },
    start: { code: 1, reason: /^in use: udp:\S+ by pid \d+ \(node\)/ },
    cluster: 'moves it',
    registrations: 'kept',
    inflict: async ({ node }) => {
      const thief = node.start(['node', '-e', UDP_THIEF]);
      return () => thief.stop('SIGKILL');
    },
  },
  {
    // It answers as the first one does: no poll tells them apart.
    broken: "a second Kamailio is started on the same UDP socket, as by the system's unit after an upgrade",
    monitor: { code: 1, reason: /also held by pid \d+ \(kamailio, pidfile \/run\/kam/ },
    start: { code: 1, reason: /^in use: udp:\S+ by pid \d+ \(kamailio, pidfile \/run\/kam/ },
    cluster: 'moves it',
    registrations: 'kept',
    also: 'the second Kamailio lives on',
    inflict: async (service) =>
      endUnharmed(service, await startOther(service, { socket: `${SERVICE_ADDRESS}:5060` })),
  },
  {
    // Kamailio is none the worse: a socket of its own is polled. The address has a monitor of its own, which is rare here.
    broken: 'the address of the service is removed',
    monitor: { code: 0 },
    cluster: {
      does: 'has the address back when its own monitor has looked',
      until: async ({ testbed }) => {
        await testbed.command(['crm_resource', '--refresh', '--resource', ADDRESS_RESOURCE]);
        await testbed.waitFor(() => testbed.answers(), 'the address is back');
        await testbed.settle();
      },
    },
    registrations: 'kept',
    inflict: async ({ sh }) => void (await sh('ip address delete "$1" dev eth0', `${SERVICE_ADDRESS}/24`)),
  },
  {
    broken: 'the loopback interface is down',
    monitor: { code: 1, reason: /5060: (unreachable|no answer)/ },
    start: { code: 1 },
    cluster: 'moves it',
    inflict: async ({ testbed, sh }) => {
      await setTimeoutOf(testbed, 'start', 6);
      await sh('ip link set lo down');
      return async () => {
        await sh('ip link set lo up');
        await setTimeoutOf(testbed, 'start', TIMEOUTS.start);
      };
    },
  },
  {
    broken: 'the configuration of one node listens on loopback alone',
    start: { code: 1, reason: /does not serve in time: udp:\S+: nobody listens there/ },
    cluster: 'moves it',
    registrations: 'kept',
    inflict: async ({ testbed, node }) => {
      await setTimeoutOf(testbed, 'start', 6);
      for (const { name, write } of testbed.nodes) {
        const address = name === node.name ? '127.0.0.1' : SERVICE_ADDRESS;
        await write(CONFFILE, configuration(`listen=udp:${address}:5060\n`));
      }
      await setParameter(testbed, 'proto', 'conf_udp');
      return async () => {
        await setParameter(testbed, 'proto', undefined);
        await setTimeoutOf(testbed, 'start', TIMEOUTS.start);
        for (const { write } of testbed.nodes) await write(CONFFILE, configuration());
        await testbed.settle();
      };
    },
  },
  {
    broken: 'Kamailio refuses all requests, as if overloaded (503)',
    monitor: { code: 1, reason: new RegExp(`${SERVICE_ADDRESS}:5060: answers OPTIONS \\S+ with 503`) },
    cluster: 'restarts it here',
    registrations: 'kept',
    inflict: async ({ rpc }) => void (await rpc('pv.shvSet', 'refuse', 'int', '503')),
  },
  {
    broken: 'Kamailio does not know the poll any more (404)',
    monitor: { code: 1, reason: new RegExp(`${SERVICE_ADDRESS}:5060: answers OPTIONS \\S+ with 404`) },
    cluster: 'restarts it here',
    registrations: 'kept',
    inflict: async ({ rpc }) => void (await rpc('pv.shvSet', 'refuse', 'int', '404')),
  },
  {
    broken: 'the DNS does not answer',
    monitor: DEAD,
    cluster: 'restarts it here',
    inflict: async ({ sh, signal, pids }) => {
      await sh('cp /etc/resolv.conf /tmp/resolv.conf; echo nameserver 192.0.2.253 >/etc/resolv.conf');
      await signal('KILL', pids);
      return () => sh('cat /tmp/resolv.conf >/etc/resolv.conf');
    },
  },
];
