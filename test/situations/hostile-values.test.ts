import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PARAMETER_NAMES, PARAMETERS } from '../../src/interface/parameters.ts';
import { callAgent } from '../support/agent.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import type { TestInstance } from '../support/instance.ts';
import { processesNaming } from '../support/processes.ts';

/** Values that a shell, a log or a buffer would trip over; `mark` is the file that an execution would leave. */
function hostileValues(mark: string): readonly (readonly [string, string])[] {
  const plain = [
    ['a command substitution', `$(touch ${mark})`],
    ['backquotes', `\`touch ${mark}\``],
    ['a second command', `; touch ${mark}`],
    ['a newline', `x\ntouch ${mark}`],
    ['64 KiB', 'A'.repeat(65_536)],
  ] as const;
  // The same below the test's directory, or the check for absolute paths would spare all others.
  return [
    ...plain,
    ...plain.map(([what, text]) => [`${what} in a path`, `${dirname(mark)}/${text}`] as const),
  ];
}

/** A literal use may fail for what is not there (5), is unknown (2), or is not done by Kamailio (1). */
const CODES = [0, 1, 2, 4, 5, 6];

/** Nothing was executed, and what came up with a literal use is gone. */
function assertHarmless(instance: TestInstance, mark: string, what: string): void {
  assert.not(existsSync(mark), `${what}: something was executed`);
  assert.equal([...processesNaming(instance.conffile)], [], `${what}: something runs`);
}

for (const name of PARAMETER_NAMES) {
  test(`a hostile value of ${name} is refused or used as it is, and never executed`, () =>
    withInstance({}, async (instance) => {
      const mark = join(instance.directory, 'executed');
      const isPath = PARAMETERS[name].default.startsWith('/');
      for (const [what, value] of hostileValues(mark)) {
        if (value.startsWith('/') && !isPath) continue;
        const params = { [name]: value, CRM_meta_timeout: '5000' };
        try {
          for (const action of ['validate-all', 'start']) {
            const called = await call(instance, action, params);
            assert.ok(
              CODES.includes(called.code ?? -1),
              `${what}, ${action}: ${called.code} ${called.reason}`,
            );
            assertCall(called, called.code ?? -1);
            if (/newline/.test(what)) assertCall(called, 6, new RegExp(`^${name}=.* \\| touch `));
            assert.ok(called.stderr.length < 4096, `${what}, ${action}: the reason is not short`);
          }
          const monitored = await call(instance, 'monitor', params);
          assertCall(monitored, monitored.code ?? -1);
          assert.ok([0, 1, 7, 190].includes(monitored.code ?? -1), `${what}, monitor: ${monitored.reason}`);
        } finally {
          const stopped = await call(instance, 'stop', params);
          assertCall(stopped, 0);
        }
        assertHarmless(instance, mark, what);
      }
    }));
}

test('an instance that runs stops whatever any other parameter holds', () =>
  withInstance({}, async (instance) => {
    const mark = join(instance.directory, 'executed');
    for (const [what, value] of hostileValues(mark)) {
      assertCall(await call(instance, 'start'), 0);
      const spoilt = PARAMETER_NAMES.filter((name) => name !== 'pidfile').map((name) => [name, value]);
      assertCall(await call(instance, 'stop', Object.fromEntries(spoilt)), 0);
      assertHarmless(instance, mark, what);
    }
  }));

test('the words of extra_options reach Kamailio as they are written', () =>
  withInstance({}, async (instance) => {
    const mark = join(instance.directory, 'executed');
    const extra = `-A 'OCF_A=$(touch ${mark})' -A "OCF_B=;touch ${mark}" -A OCF_C=*\\ \\|`;
    assertCall(await call(instance, 'start', { extra_options: extra }), 0);
    const words = [...processesNaming(instance.pidfile).values()][0] ?? [];
    assert.equal(words.slice(-6), [
      '-A',
      `OCF_A=$(touch ${mark})`,
      '-A',
      `OCF_B=;touch ${mark}`,
      '-A',
      'OCF_C=* |',
    ]);
    assertCall(await call(instance, 'monitor', { extra_options: extra }), 0);
    assertCall(await call(instance, 'stop', { extra_options: extra }), 0);
    assertHarmless(instance, mark, 'extra_options');
  }));

test('hostile flags of a person are as harmless as hostile variables', () =>
  withInstance({}, async (instance) => {
    const mark = join(instance.directory, 'executed');
    for (const name of PARAMETER_NAMES) {
      const args = [`--${name}=$(touch ${mark})`];
      const checked = await callAgent('validate-all', instance.params, { args });
      assertCall(checked, checked.code ?? -1);
      assert.ok([0, 2, 6].includes(checked.code ?? -1), `${name}: ${checked.code}`);
      assertCall(await callAgent('stop', instance.params, { args }), 0);
    }
    const unknown = await callAgent('validate-all', instance.params, { args: [`--$(touch ${mark})=1`] });
    assertCall(unknown, 0);
    assert.match(unknown.stderr, /is not a parameter of this agent/);
    assertHarmless(instance, mark, 'flags');
  }));

for (const name of ['../../tmp/x', 'a/b', 'a\nb', 'a\x1b[31mb']) {
  test(`a resource called ${JSON.stringify(name)} cannot name its pidfile, and a stop of it works`, () =>
    withInstance({}, async (instance) => {
      const { pidfile: _, ...params } = instance.params;
      const env = { OCF_RESOURCE_INSTANCE: name };
      const reason = /the resource's name .* set the parameter pidfile/;
      for (const action of ['validate-all', 'start'])
        assertCall(await callAgent(action, params, { env }), 6, reason);
      assertCall(await callAgent('monitor', params, { env }), 7, /^not running: /, reason);
      assertCall(await callAgent('stop', params, { env }), 0);
    }));
}

test.run();
