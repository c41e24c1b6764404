import * as assert from 'uvu/assert';
import { KAMAILIO, PIDFILE } from '../testbed/kamailio.ts';
import { FIFO, KAMCTLRC, setTimeoutOf, TIMEOUTS } from './configuration.ts';
import { DEAD, type Fault, type Undo } from './fault.ts';
import { endUnharmed, startOther } from './other-kamailio.ts';
import type { Service } from './service.ts';

/** Puts the pid `$2` into the pidfile `$1` at once: the cluster's monitor must not come upon one that is still empty. */
const REPLACE = 'cp -p "$1" "$1.new"; echo "$2" >"$1.new"; mv "$1.new" "$1"';

/** Faults of files, directories and file systems. */
export const FILE_FAULTS: readonly Fault[] = [
  {
    broken: 'the pidfile is deleted',
    monitor: { code: 1, reason: /not known \(pidfile \S+ does not exist\), but \d+/ },
    cluster: 'restarts it here',
    registrations: 'kept',
    inflict: async ({ sh }) => void (await sh('rm "$1"', PIDFILE)),
  },
  {
    broken: 'the pidfile is deleted with its directory',
    monitor: { code: 1, reason: /not known \(pidfile \S+ does not exist\), but \d+/ },
    cluster: 'restarts it here',
    registrations: 'kept',
    inflict: async ({ sh }) => void (await sh('rm -r "$(dirname "$1")"', PIDFILE)),
  },
  {
    broken: 'the pidfile is emptied',
    monitor: { code: 1, reason: /not known \(pidfile \S+ is empty\), but \d+/ },
    cluster: 'restarts it here',
    registrations: 'kept',
    inflict: async ({ sh }) => void (await sh(': >"$1"', PIDFILE)),
  },
  {
    broken: "the pidfile is another instance's",
    monitor: { code: 1, reason: /names pid \d+, which is another program/ },
    cluster: 'restarts it here',
    registrations: 'kept',
    also: 'the other instance lives on',
    inflict: async (service) => {
      const main = await startOther(service);
      await service.sh(REPLACE, PIDFILE, String(main));
      return endUnharmed(service, main);
    },
  },
  {
    broken: 'the pidfile names a process of another program',
    monitor: { code: 1, reason: /names pid \d+, which is another program/ },
    cluster: 'restarts it here',
    registrations: 'kept',
    also: 'the other program lives on',
    inflict: async (service) => {
      const other = Number(await service.sh('sleep 3600 >/dev/null 2>&1 & echo $!'));
      await service.sh(REPLACE, PIDFILE, String(other));
      return endUnharmed(service, other);
    },
  },
  {
    broken: 'the pidfile is a symbolic link to /etc/passwd',
    monitor: { code: 1, reason: /not known \(pidfile \S+ is a symbolic link\), but \d+/ },
    cluster: 'restarts it here',
    registrations: 'kept',
    also: '/etc/passwd is as it was',
    inflict: async ({ sh }) => {
      const before = await sh('stat -c %i%s%Y%U /etc/passwd; ln -sf /etc/passwd "$1"', PIDFILE);
      return async () => assert.is(await sh('stat -c %i%s%Y%U /etc/passwd'), before);
    },
  },
  {
    broken: 'a second instance takes the FIFO over',
    monitor: { code: 1, reason: /own FIFO \S+ was/ },
    cluster: 'restarts it here',
    registrations: 'kept',
    also: 'the second instance lives on',
    inflict: async (service) => endUnharmed(service, await startOther(service, { fifo: FIFO })),
  },
  {
    broken: '/run is full when Kamailio has died',
    monitor: DEAD,
    start: { code: 1, reason: /pidfile \S+ is empty \(is its disk full\?\)/ },
    cluster: 'moves it',
    // Also what is freed later: the stop removes the pidfile, and what a watcher has written.
    prepare: async ({ testbed, node, sh }) => {
      const filler = node.start(['sh', '-c', 'while :; do cat /dev/zero >>/run/filler; sleep 0.01; done']);
      const mend = async () => {
        await filler.stop();
        await sh('rm -f /run/filler');
      };
      try {
        await testbed.waitFor(async () => /^ *0$/m.test(await sh('df --output=avail /run')), '/run is full');
      } catch (error) {
        await mend();
        throw error;
      }
      return mend;
    },
    inflict: async ({ testbed, signal, pids }) => {
      await setTimeoutOf(testbed, 'start', 6);
      await signal('KILL', pids);
      return () => setTimeoutOf(testbed, 'start', TIMEOUTS.start);
    },
  },
  {
    // The stop can remove nothing: pidfile and directory stay until the file system is mended.
    broken: '/run is read-only when Kamailio has died',
    monitor: DEAD,
    start: { code: 4, reason: /cannot remove the pidfile \S+ \(EROFS\)/ },
    cluster: 'moves it',
    inflict: async ({ sh, signal, pids }) => {
      await sh('mount --bind /run /run; mount -o remount,bind,ro /run');
      await signal('KILL', pids);
      return () => sh('umount -l /run; rm -r "$(dirname "$1")"', PIDFILE);
    },
  },
  {
    broken: '/tmp takes no more files, and the spare FIFO was cleaned away',
    monitor: { code: 1, reason: /control plane: the FIFO for the reply cannot be made/ },
    start: { code: 1, reason: /control plane: the FIFO for the reply cannot be made/ },
    cluster: 'moves it',
    registrations: 'kept',
    inflict: async ({ testbed, sh }) => {
      await setTimeoutOf(testbed, 'start', 6);
      await sh(
        'rm /tmp/kamailio_ocf_spare_*; mount -o remount,nr_inodes="$(df --output=iused /tmp | tail -n 1 | tr -d " ")" /tmp',
      );
      return async () => {
        await sh('mount -o remount,nr_inodes=100000 /tmp');
        await setTimeoutOf(testbed, 'start', TIMEOUTS.start);
      };
    },
  },
  {
    // As systemd does with /run/kamailio when the system's own service stops, or fails to start. SIP is none the worse.
    broken: 'the directory of the control FIFO is taken away',
    monitor: {
      code: 190,
      reason: /serves, but: control plane: the FIFO \S+ that this Kamailio reads was rem/,
    },
    cluster: 'leaves it alone',
    registrations: 'kept',
    inflict: async (service) => {
      await service.sh('rm -r "$(dirname "$1")"', FIFO);
      return restart(service);
    },
  },
  {
    broken: 'a file stands in the place of the control FIFO',
    monitor: {
      code: 190,
      reason: /serves, but: control plane: the FIFO \S+ that this Kamailio reads was rem/,
    },
    cluster: 'leaves it alone',
    registrations: 'kept',
    inflict: async (service) => {
      await service.sh('rm "$1"; echo {} >"$1"', FIFO);
      return restart(service);
    },
  },
  {
    broken: 'kamctlrc is deleted',
    monitor: { code: 190, reason: /serves, but: kamctlrc \S+ is missing on this node/ },
    cluster: 'leaves it alone',
    inflict: async ({ sh }) => {
      await sh('mv "$1" "$1.away"', KAMCTLRC);
      return () => sh('mv "$1.away" "$1"', KAMCTLRC);
    },
  },
  {
    // Root removes nothing from there, and starts nothing: until a person has looked at it.
    broken: 'everybody may write to the directory of the pidfile when Kamailio has died',
    monitor: DEAD,
    start: { code: 4, reason: /others may write to \S+ \(mode 0777\)/ },
    cluster: 'moves it',
    inflict: async ({ sh, signal, pids }) => {
      await sh('chmod 777 "$(dirname "$1")"', PIDFILE);
      await signal('KILL', pids);
      return () => sh('rm -r "$(dirname "$1")"', PIDFILE);
    },
  },
];

/** What a person does when it suits. */
function restart({ testbed }: Service): Undo {
  return () => testbed.command(['crm_resource', '--restart', '--resource', KAMAILIO]);
}
