import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertCall, call, withInstance } from '../support/calls.ts';
import type { TestInstance } from '../support/instance.ts';
import { traceAction } from '../support/trace.ts';
import { withCrowd } from './crowd.ts';
import { countLeavings, replyFifos } from './leavings.ts';

/** The script of the figures makes 10,000 of them. */
const MONITORS = 150;
const LANES = 2;

test(`${MONITORS} monitors leave no file, FIFO, descriptor, process or byte of log`, () =>
  withInstance({}, async (instance) => {
    const env = {
      HA_LOGFILE: join(instance.directory, 'log'),
      HA_DEBUGLOG: join(instance.directory, 'debug'),
    };
    assertCall(await call(instance, 'start'), 0);
    assertCall(await call(instance, 'monitor', {}, { env }), 0);
    const fifos = replyFifos();
    const before = await countLeavings(instance, fifos);
    assert.ok(before.files > 0 && before.descriptors > 0 && before.processes > 0 && before.bytes > 0);
    const lane = async () => {
      for (let count = 0; count < MONITORS / LANES; count += 1) {
        const { code, stdout, stderr } = await call(instance, 'monitor', {}, { env });
        assert.equal([code, stdout, stderr], [0, '', '']);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    assert.equal(await countLeavings(instance, fifos), before);
    assertCall(await call(instance, 'stop'), 0);
  }));

test('a healthy monitor looks at no process but the main one, however many others and other instances run', () =>
  withInstance({}, (other) =>
    withInstance({}, async (instance) => {
      assertCall(await call(instance, 'start'), 0);
      const alone = await lookedAt(instance);
      assert.equal(
        [...new Set(alone.flatMap((path) => /^\/proc\/(\d+)\//.exec(path)?.[1] ?? []))],
        [String(instance.mainPid())],
      );
      assertCall(await call(other, 'start'), 0);
      await withCrowd(200, async () => assert.equal(await lookedAt(instance), alone));
      for (const one of [instance, other]) assertCall(await call(one, 'stop'), 0);
    }),
  ));

/** What a monitor opens or looks at in /proc, in order, its own process left out. */
async function lookedAt(instance: TestInstance): Promise<string[]> {
  const { code, text } = await traceAction(instance, 'monitor', 'openat,readlink,newfstatat');
  assert.is(code, 0);
  return text
    .split('\n')
    .map((line) => /\((?:AT_FDCWD, )?"(\/proc(?:\/[^"]*)?)"/.exec(line)?.[1] ?? '')
    .filter((path) => path !== '' && !/^\/proc\/(self|thread-self)/.test(path));
}

test.run();
