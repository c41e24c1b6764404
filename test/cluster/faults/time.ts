import * as assert from 'uvu/assert';
import { GROUP } from '../testbed/kamailio.ts';
import { AGENT_PATH, type TestbedNode } from '../testbed/node.ts';
import {
  CONFFILE,
  configuration,
  DATABASE,
  makeDeaf,
  PROBE_TIMEOUT,
  setParameter,
  setTimeoutOf,
  TIMEOUTS,
} from './configuration.ts';
import { DEAD, type Fault, type Undo } from './fault.ts';
import { register, registered } from './registrations.ts';
import { kamailioPids } from './service.ts';
import { forceCheck } from './take.ts';

/** Callers whose registrations take some 10 s to write on an idle machine. */
const SLOW_CALLERS = 50;

const SLOW_TRIGGER = `create trigger slow before insert on location begin
  select (with recursive steps(n) as (select 1 union all select n + 1 from steps where n < 300000)
    select count(*) from steps);
end`;

/** Lets a program run for 5 ms in every 100 ms: an agent on a node that has no more to give. */
const FIVE_PERCENT = `#!/usr/local/bin/node
const child = require('node:child_process').spawn('${AGENT_PATH}.real', process.argv.slice(2), { stdio: 'inherit' });
const turn = (signal, ms, next) => { child.kill(signal); setTimeout(next, ms); };
const stop = () => turn('SIGSTOP', 95, go);
const go = () => turn('SIGCONT', 5, stop);
child.on('exit', (code) => process.exit(code ?? 1));
stop();
`;

/** Runs the agent, and what it starts, on a clock of its own (libfaketime), which /tmp/clock sets. */
const OWN_CLOCK = `#!/bin/sh
export FAKETIME_TIMESTAMP_FILE=/tmp/clock FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1
for LD_PRELOAD in /usr/lib/*/faketime/libfaketime.so.1; do export LD_PRELOAD; done
exec "$0.real" "$@"
`;

const JUMP = `echo +0 >/tmp/now; echo +1h >/tmp/later
while :; do for time in now later; do cp "/tmp/$time" /tmp/next; mv /tmp/next /tmp/clock; sleep 0.02; done; done`;

/** Faults of time: what takes long, and a clock that jumps. */
export const TIME_FAULTS: readonly Fault[] = [
  {
    broken: 'Kamailio does not heed SIGTERM',
    monitor: { code: 1, reason: /control plane: no reply/ },
    cluster: 'restarts it here',
    prepare: ({ testbed, node }) => makeDeaf(testbed, node),
    inflict: async ({ signal, workers }) => void (await signal('STOP', await workers(/FIFO/))),
  },
  {
    broken: 'Kamailio takes 10 s to stop, for it writes to its database',
    cluster: 'moves it',
    also: 'every registration is in the database: the stop was not cut off',
    inflict: async ({ testbed, sh, target }) => {
      // Not even a machine that is busy besides makes it miss this.
      await setTimeoutOf(testbed, 'stop', 240);
      await register(testbed, 'slow', SLOW_CALLERS);
      await sh('sqlite3 "$1" "$2"', DATABASE, SLOW_TRIGGER);
      await testbed.command(['crm_resource', '--resource', GROUP, '--move', '--node', target.name]);
      return async () => {
        await testbed.command(['crm_resource', '--resource', GROUP, '--clear']);
        await sh('sqlite3 "$1" "drop trigger slow"', DATABASE);
        await setTimeoutOf(testbed, 'stop', TIMEOUTS.stop);
      };
    },
    check: async ({ node }) => assert.is(await registered(node, 'slow'), SLOW_CALLERS),
  },
  {
    broken: 'Kamailio has died, and takes 15 s until it serves again',
    monitor: DEAD,
    cluster: 'restarts it here',
    inflict: async ({ node, signal, pids }) => {
      await node.write(CONFFILE, configuration('fork_delay=1500000\n'));
      await signal('KILL', pids);
      return () => node.write(CONFFILE, configuration());
    },
  },
  {
    broken: 'monitors are called while Kamailio starts',
    monitor: DEAD,
    cluster: 'restarts it here',
    also: 'none says 7 once a process of it lives, and the start succeeds',
    inflict: async ({ testbed, node, signal, pids }) => {
      await node.write(CONFFILE, configuration('fork_delay=200000\n'));
      await signal('KILL', pids);
      await testbed.waitFor(async () => {
        const living = await kamailioPids(node);
        const { code, reason } = await forceCheck(node);
        assert.ok(living.length === 0 || code !== 7, `7 though pid ${living} lived: ${reason}`);
        return code === 0;
      }, 'a monitor says 0');
      return () => node.write(CONFFILE, configuration());
    },
  },
  {
    broken: 'the node is so loaded that a monitor gets 5 % of a CPU',
    monitor: { code: 0 },
    cluster: 'leaves it alone',
    prepare: async ({ testbed }) => {
      // Neither the recurring monitor nor a poll may run out of time on a machine that is loaded besides.
      await setTimeoutOf(testbed, 'monitor', 120);
      await setParameter(testbed, 'probe_timeout', '60');
      return async () => {
        await setTimeoutOf(testbed, 'monitor', TIMEOUTS.monitor);
        await setParameter(testbed, 'probe_timeout', PROBE_TIMEOUT);
      };
    },
    inflict: ({ node }) => wrapAgent(node, FIVE_PERCENT),
  },
  {
    broken: 'the clock jumps by an hour, to and fro, for the agent and Kamailio',
    monitor: { code: 0 },
    cluster: 'leaves it alone',
    prepare: async ({ testbed, node }) => {
      await node.write('/tmp/clock', '+0\n');
      const unwrap = await wrapAgent(node, OWN_CLOCK);
      await setParameter(testbed, 'extra_options', '-A OWN_CLOCK');
      return async () => {
        await unwrap();
        await setParameter(testbed, 'extra_options', undefined);
      };
    },
    inflict: async ({ node, sh, main }) => {
      await sh('grep -q libfaketime "/proc/$1/maps"', String(main));
      const jumps = node.start(['sh', '-c', JUMP]);
      for (let call = 0; call < 5; call += 1) {
        const { code, reason } = await forceCheck(node);
        assert.is(code, 0, reason);
      }
      return () => jumps.stop();
    },
  },
];

/** Puts a wrapper in the agent's place, beside which the agent lies as kamailio.real. Returns how that is undone. */
async function wrapAgent(node: TestbedNode, wrapper: string): Promise<Undo> {
  const sh = (script: string) => node.mustRun(['sh', '-ec', script, 'wrap', AGENT_PATH]);
  await node.write(`${AGENT_PATH}.new`, wrapper);
  await sh('cp -p "$1" "$1.real"; chmod 755 "$1.new"; mv "$1.new" "$1"');
  return () => sh('mv "$1.real" "$1"');
}
