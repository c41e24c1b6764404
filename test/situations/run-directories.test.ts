import { existsSync, lstatSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertCall, call, withInstance } from '../support/calls.ts';
import type { TestInstance } from '../support/instance.ts';
import { account } from '../support/ordinary-user.ts';

const KAMAILIO = account('kamailio');
const AS_KAMAILIO = { ...KAMAILIO, params: { kamuser: 'kamailio' } };

/** A directory of a test in /run, where only root may make it. Removed when `body` is through. */
async function withRunDirectory(name: string, body: (directory: string) => Promise<void>): Promise<void> {
  const directory = `/run/${name}-${process.pid}`;
  try {
    await body(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function assertLife(instance: TestInstance, params: Readonly<Record<string, string>>): Promise<void> {
  assertCall(await call(instance, 'start', params), 0);
  assertCall(await call(instance, 'monitor', params), 0);
  assertCall(await call(instance, 'stop', params), 0);
}

for (const [what, config] of [
  ["ctl's binrpc", (path: string) => `loadmodule "ctl.so"\nmodparam("ctl", "binrpc", "unix:${path}")`],
  [
    "jsonrpcs' dgram_socket",
    (path: string) => `modparam("jsonrpcs", "transport", 6)\nmodparam("jsonrpcs", "dgram_socket", "${path}")`,
  ],
] as const) {
  test(`the directory of ${what} is made if it is missing, as after a boot`, () =>
    withInstance(
      { config: (_port, directory) => config(`${directory}/gone/deeper/socket`) },
      async (instance) => {
        await assertLife(instance, {});
        assert.ok(lstatSync(join(instance.directory, 'gone/deeper')).isDirectory());
      },
    ));
}

test('one in /run goes to kamuser if it has the name of Kamailio, also behind definitions', () =>
  withRunDirectory('kamailio-test', (directory) =>
    withInstance(
      {
        ...AS_KAMAILIO,
        config: `#!substdef "!HERE!${directory}!g"
#!define SOCKET "unixs:HERE/ctl"
loadmodule "ctl.so"
modparam("ctl", "binrpc", SOCKET)`,
      },
      async (instance) => {
        await assertLife(instance, {});
        assert.is(lstatSync(directory).uid, KAMAILIO.uid);
      },
    ),
  ));

test('another one in /run is named and not made: kamuser may have written the configuration', () =>
  withRunDirectory('other-test', (directory) =>
    withInstance(
      { ...AS_KAMAILIO, config: `loadmodule "ctl.so"\nmodparam("ctl", "binrpc", "unix:${directory}/ctl")` },
      async (instance) => {
        const named = new RegExp(`make the missing directory ${directory} \\(root makes there only`);
        assertCall(await call(instance, 'start'), 1, /No such file or directory/, named);
        assert.not(existsSync(directory));
        assert.equal(instance.pids(), []);
      },
    ),
  ));

test('the directory that -Y names is made, and goes to kamuser', () =>
  withRunDirectory('y-test', (directory) =>
    withInstance({ ...AS_KAMAILIO, config: 'loadmodule "ctl.so"' }, async (instance) => {
      const started = await call(instance, 'start', { extra_options: `-Y ${directory}` });
      assertCall(started, 0);
      assert.not.match(started.stderr, /launching Kamailio again/, 'before the first launch');
      assert.is(lstatSync(directory).uid, KAMAILIO.uid);
      assertCall(await call(instance, 'stop'), 0);
    }),
  ));

test.run();
