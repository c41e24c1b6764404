import { SERVICE_ADDRESS } from '../testbed/configuration.ts';
import { DEAD, type Fault } from './fault.ts';

/** Faults of Kamailio's own processes. */
export const PROCESS_FAULTS: readonly Fault[] = [
  {
    broken: 'the main process is killed',
    monitor: { code: 1, reason: /main process is not known .* but \d+ processes/ },
    cluster: 'restarts it here',
    inflict: async ({ signal, main }) => void (await signal('KILL', [main])),
  },
  {
    // Its main process ends all others when one of them dies.
    broken: 'a UDP worker is killed',
    monitor: DEAD,
    cluster: 'restarts it here',
    registrations: 'kept',
    inflict: async ({ signal, workers }) =>
      void (await signal('KILL', (await workers(/^udp receiver/)).slice(0, 1))),
  },
  {
    broken: 'the process of the control FIFO is killed',
    monitor: DEAD,
    cluster: 'restarts it here',
    registrations: 'kept',
    inflict: async ({ signal, workers }) => void (await signal('KILL', await workers(/FIFO/))),
  },
  {
    broken: 'all processes are killed',
    monitor: DEAD,
    cluster: 'restarts it here',
    inflict: async ({ signal, pids }) => void (await signal('KILL', pids)),
  },
  {
    broken: 'somebody ends Kamailio by hand',
    monitor: DEAD,
    cluster: 'restarts it here',
    registrations: 'kept',
    inflict: async ({ signal, main }) => void (await signal('TERM', [main])),
  },
  {
    broken: 'all processes are stopped (SIGSTOP)',
    monitor: { code: 1, reason: /main process \d+ is stopped \(state T/ },
    cluster: 'restarts it here',
    registrations: 'kept',
    inflict: async ({ signal, pids }) => void (await signal('STOP', pids)),
  },
  {
    broken: 'the main process is stopped',
    monitor: { code: 1, reason: /main process \d+ is stopped \(state T/ },
    cluster: 'restarts it here',
    registrations: 'kept',
    inflict: async ({ signal, main }) => void (await signal('STOP', [main])),
  },
  {
    broken: 'the UDP workers hang in a route',
    monitor: { code: 1, reason: new RegExp(`udp:${SERVICE_ADDRESS}:5060: no answer to OPTIONS`) },
    cluster: 'restarts it here',
    registrations: 'kept',
    inflict: async ({ testbed }) => {
      const datagram = `OPTIONS sip:hang@${SERVICE_ADDRESS} SIP/2.0\r
Via: SIP/2.0/UDP ${testbed.outside.address}:5090;branch=z9hG4bKhang\r
From: <sip:a@b>;tag=1\r\nTo: <sip:hang@b>\r\nCall-ID: hang\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n`;
      const send = `cat >/dev/udp/${SERVICE_ADDRESS}/5060`;
      for (let worker = 0; worker < 2; worker += 1)
        await testbed.outside.run(['bash', '-c', send], { input: datagram });
      return undefined;
    },
  },
  {
    broken: 'the TCP workers are stopped',
    monitor: { code: 1, reason: new RegExp(`tcp:${SERVICE_ADDRESS}:5060: no answer to OPTIONS`) },
    cluster: 'restarts it here',
    registrations: 'kept',
    inflict: async ({ signal, workers }) => void (await signal('STOP', await workers(/^tcp receiver/))),
  },
  {
    broken: 'the process of the control FIFO is stopped',
    monitor: { code: 1, reason: /control plane: no reply to core.uptime/ },
    cluster: 'restarts it here',
    registrations: 'kept',
    inflict: async ({ signal, workers }) => void (await signal('STOP', await workers(/FIFO/))),
  },
];
