import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AGENT } from '../support/agent.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import type { TestInstance } from '../support/instance.ts';
import { account } from '../support/ordinary-user.ts';
import { processesNaming } from '../support/processes.ts';

/** The agent as root without CAP_SYS_PTRACE, as in most containers: /proc/PID/exe of kamuser is closed to it. */
function agentInContainer(instance: TestInstance): string {
  const agent = join(instance.directory, 'agent');
  const drop = '--bounding-set -sys_ptrace --inh-caps -sys_ptrace';
  writeFileSync(agent, `#!/bin/sh\nexec setpriv ${drop} '${AGENT}' "$@"\n`, { mode: 0o755 });
  return agent;
}

const AS_KAMAILIO = { ...account('kamailio'), params: { kamuser: 'kamailio' } };

test('a Kamailio whose executable the agent may not see is not reported as "not running"', () =>
  withInstance(AS_KAMAILIO, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const monitored = await call(instance, 'monitor', {}, { agent: agentInContainer(instance) });
    assert.is.not(monitored.code, 7, monitored.reason);
    assertCall(await call(instance, 'stop'), 0);
  }));

test('a stop that leaves a Kamailio which it may not see alive does not succeed', () =>
  withInstance(AS_KAMAILIO, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const stopped = await call(instance, 'stop', {}, { agent: agentInContainer(instance) });
    const left = processesNaming(instance.pidfile).size;
    assert.is(stopped.code === 0, left === 0, `exit code ${stopped.code} with ${left} processes left`);
    assertCall(await call(instance, 'stop'), 0);
  }));

test.run();
