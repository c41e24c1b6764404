import * as assert from 'uvu/assert';
import { SERVICE_ADDRESS } from '../testbed/configuration.ts';
import { CONFFILE, configuration, setParameter } from './configuration.ts';
import { DEAD, type Fault } from './fault.ts';
import { register } from './registrations.ts';
import { forceCheck } from './take.ts';

/** Only the account of a process may set its limits, where root itself has lost CAP_SYS_RESOURCE. */
const AS_KAMAILIO = 'setpriv --reuid=kamailio --regid=kamailio --clear-groups';

/** Faults of load, limits and memory. */
export const LOAD_FAULTS: readonly Fault[] = [
  {
    broken: 'one of the UDP workers is stopped',
    monitor: { code: 190, reason: /worker \d+ is stopped/, level: 20 },
    cluster: 'leaves it alone',
    inflict: async ({ signal, workers }) => {
      const [worker = 0] = await workers(new RegExp(`^udp receiver child=0 sock=${SERVICE_ADDRESS}`));
      await signal('STOP', [worker]);
      return () => signal('CONT', [worker]);
    },
  },
  {
    broken: 'the kernel kills a worker for want of memory',
    monitor: DEAD,
    cluster: 'restarts it here',
    inflict: async ({ testbed, sh, pids }) => {
      await sh(
        `mkdir -p /tmp/memory; mount -t cgroup -o memory memory /tmp/memory; group=/tmp/memory/ocf-kamailio-$$
        mkdir "$group"; echo "$group" >/tmp/group
        for pid; do echo "$pid" >"$group/cgroup.procs"; done; echo 4096 >"$group/memory.limit_in_bytes"`,
        ...pids.map(String),
      );
      await register(testbed, 'memory', 50).catch(() => {});
      return async () => {
        await testbed.waitFor(() => sh('rmdir "$(cat /tmp/group)"').then(() => true), 'the cgroup is empty');
        await sh('umount /tmp/memory; rmdir /tmp/memory; rm /tmp/group');
      };
    },
  },
  {
    broken: 'the main process dumps core',
    monitor: { code: [0, 1], called: 'by hand' },
    cluster: 'restarts it here',
    prepare: async ({ testbed, node }) => {
      await node.write(CONFFILE, configuration('shm_force_alloc=yes\nworkdir="/var/lib/kamailio"\n'));
      await setParameter(testbed, 'extra_options', '-m 256');
      return async () => {
        await node.write(CONFFILE, configuration());
        await setParameter(testbed, 'extra_options', undefined);
        await node.run(['sh', '-c', 'rm -f /var/lib/kamailio/core*']);
      };
    },
    inflict: async ({ testbed, sh, main, signal }) => {
      await signal('ABRT', [main]);
      await testbed.waitFor(() => sh('ls /var/lib/kamailio/core*'), 'a core is written');
      return undefined;
    },
  },
  {
    broken: 'fork is refused (limit of processes) when Kamailio has died',
    monitor: DEAD,
    // Where the account has processes already, execve(2) fails before Kamailio runs.
    start: { code: 1, reason: /instead of serving: Cannot fork|no room for \S+: .*Resource temporarily/ },
    cluster: 'moves it',
    inflict: async ({ sh, signal, pids }) => {
      const execd = '--pid "$(pgrep -x pacemaker-execd)"';
      const before = await sh(`prlimit ${execd} --nproc --output SOFT --noheadings`);
      // Root itself is exempt: it is the account kamailio that may have no more.
      await sh(`prlimit ${execd} --nproc=1:`);
      await signal('KILL', pids);
      return () => sh(`prlimit ${execd} --nproc="$1:"`, before.trim());
    },
  },
  {
    broken: 'Kamailio has no file descriptor left',
    monitor: {
      code: 1,
      reason: new RegExp(`tcp:${SERVICE_ADDRESS}:5060: no answer|control plane: no reply`),
    },
    cluster: 'restarts it here',
    inflict: async ({ sh, pids }) =>
      void (await sh(
        `for pid; do ${AS_KAMAILIO} prlimit --nofile=3 --pid "$pid"; done`,
        ...pids.map(String),
      )),
  },
  {
    broken: 'six monitors are called at the same time',
    monitor: { code: 0 },
    cluster: 'leaves it alone',
    inflict: async ({ node }) => {
      const calls = Array.from({ length: 6 }, () => forceCheck(node));
      for (const { code, reason } of await Promise.all(calls)) assert.is(code, 0, reason);
      return undefined;
    },
  },
];
