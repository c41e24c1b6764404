import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { callAgent } from '../support/agent.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { signalAll } from '../support/processes.ts';
import { processesOf } from './support.ts';

const EXTERNAL = { monitor_tools: 'external' };

/** Files that kamctl, or the agent's home for it, would leave. */
function leftovers(): string[] {
  return [...readdirSync('/tmp'), ...readdirSync('/run')]
    .filter((name) => /^kamailio_(receiver_|ocf_)/.test(name))
    .toSorted();
}

/** kamctl asks Kamailio for statistics, which only these modules have. */
const FOR_KAMCTL = { config: 'loadmodule "tm.so"\nloadmodule "tmx.so"\nloadmodule "usrloc.so"' };

test('three instances are checked at once, each by its own FIFO, by builtin and by external tools', async () => {
  const before = leftovers();
  await withInstance(FOR_KAMCTL, async (first) => {
    await withInstance({ ...FOR_KAMCTL, params: { proto: 'udp' } }, async (second) => {
      await withInstance({ ...FOR_KAMCTL, params: { proto: 'tcp' } }, async (third) => {
        const instances = [first, second, third];
        for (const instance of instances) assertCall(await call(instance, 'start'), 0);
        for (const tools of ['builtin', 'external']) {
          const calls = instances.map((instance) => call(instance, 'monitor', { monitor_tools: tools }));
          for (const result of await Promise.all(calls)) assertCall(result, 0);
        }
        const rpc = await processesOf(second, /^JSONRPCS FIFO/);
        assert.is(rpc.length, 1);
        signalAll(rpc, 'SIGSTOP');
        for (const monitor_tools of ['builtin', 'external']) {
          const short = { monitor_tools, probe_timeout: '2' };
          assertCall(await call(first, 'monitor', short), 0);
          assertCall(await call(second, 'monitor', short), 1, /control plane: /);
          assertCall(await call(third, 'monitor', short), 0);
        }
        signalAll(rpc, 'SIGCONT');
        // Spare FIFOs that a start left; to the second's no reply came.
        assert.equal(
          leftovers().filter((name) => !before.includes(name)),
          [first, third].map(({ spareFifo }) => basename(spareFifo)).toSorted(),
        );
      });
    });
  });
});

test('what sipsak says stands in the reason', async () => {
  await withInstance(
    { route: 'sl_send_reply("503", "Busy");', config: FOR_KAMCTL.config },
    async (instance) => {
      const unanswered = { ...EXTERNAL, probe_timeout: '2', CRM_meta_timeout: '8000' };
      assertCall(
        await call(instance, 'start', unanswered),
        1,
        /udp:127\.0\.0\.1:\d+: sipsak sip:monitor@127\.0\.0\.1:\d+ failed/,
      );
    },
  );
});

test('the values of parameters reach the tools as words, never as shell code', async () => {
  await withInstance(FOR_KAMCTL, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const odd = join(instance.directory, 'kamctlrc;touch pwned $(touch pwned)');
    writeFileSync(odd, `RPCFIFOPATH="${instance.fifo}"\n`);
    assertCall(await call(instance, 'monitor', { ...EXTERNAL, kamctlrc: odd }), 0);
    assert.not.ok(existsSync(join(instance.directory, 'pwned')));
    assert.not.ok(existsSync('pwned'));
  });
});

test('a missing sipsak or kamctl is refused with 5, and costs a Kamailio that runs nothing but its 190', async () => {
  await withInstance({}, async (instance) => {
    assertCall(
      await call(instance, 'validate-all', { ...EXTERNAL, sipsak: '/nonexistent/sipsak' }),
      5,
      /sipsak/,
    );
    assertCall(await call(instance, 'start'), 0);
    assertCall(
      await call(instance, 'monitor', { ...EXTERNAL, sipsak: '/nonexistent/sipsak' }),
      190,
      /serves, but: monitor_tools=external needs sipsak/,
    );
    // kamctl is looked for in /usr/bin as well, where this distribution does not have it.
    const elsewhere = { ...EXTERNAL, kamctl: '/nonexistent/kamctl' };
    if (!existsSync('/usr/bin/kamctl'))
      assertCall(await call(instance, 'monitor', elsewhere), 190, /serves, but: \S+ needs kamctl/);
    // The agent's own clients check in place of what is missing: a Kamailio that hangs is still found out.
    signalAll(
      instance.pids().filter((pid) => pid !== instance.mainPid()),
      'SIGSTOP',
    );
    const hanging = { ...EXTERNAL, sipsak: '/nonexistent/sipsak', probe_timeout: '1' };
    assertCall(await call(instance, 'monitor', hanging), 1, /not healthy: udp:.* \|\| .*needs sipsak/);
    signalAll(instance.pids(), 'SIGCONT');
  });
});

test('monitor_tools takes its two values alone', async () => {
  const result = await callAgent('validate-all', { listen_address: '127.0.0.1', monitor_tools: 'sipsak' });
  assertCall(result, 6, /monitor_tools=sipsak: is not one of builtin, external/);
});

test.run();
