import { spawnSync } from 'node:child_process';
import { chownSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { type TestInstance, until } from '../support/instance.ts';
import { account } from '../support/ordinary-user.ts';
import {
  type Bystander,
  commandLine,
  processesNaming,
  signalAll,
  untilGone,
  withProgram,
} from '../support/processes.ts';

const NOBODY = account('nobody');
const KAMAILIO = account('kamailio');

/**
 * Runs the real Kamailio as an account without privileges, with the instance's pidfile on its command line;
 * its configuration is a FIFO that nobody writes to, so it waits there for ever.
 */
async function withDecoy(
  instance: TestInstance,
  program: readonly [string, ...string[]],
  body: (decoy: Bystander) => Promise<void>,
): Promise<void> {
  const fifo = join(instance.directory, 'never');
  assert.is(spawnSync('mkfifo', ['-m', '666', fifo]).status, 0);
  const [file, ...args] = [...program, '/usr/sbin/kamailio', '-P', instance.pidfile, '-f', fifo];
  await withProgram(file ?? '', args, { uid: NOBODY.uid, gid: NOBODY.gid }, async (decoy) => {
    await until(() => commandLine(decoy.pid)[0] === '/usr/sbin/kamailio', 'the decoy is executed');
    await body(decoy);
  });
}

const canMap = spawnSync('unshare', ['--user', '--map-root-user', 'true'], { ...NOBODY }).status === 0;

for (const [name, program, possible] of [
  ["a stranger's own Kamailio that names our pidfile", ['/usr/bin/env'], true],
  [
    'the same as root of a user namespace of his (needs user namespaces)',
    ['unshare', '--user', '--map-root-user'],
    canMap,
  ],
] as const)
  (possible ? test : test.skip)(`${name} is neither counted nor signalled`, () =>
    withInstance({}, (instance) =>
      withDecoy(instance, [...program], async (decoy) => {
        assertCall(await call(instance, 'monitor'), 7, /^not running: /);
        assertCall(await call(instance, 'stop'), 0);
        assertCall(await call(instance, 'start'), 0);
        assertCall(await call(instance, 'monitor'), 0);
        signalAll([instance.mainPid()], 'SIGKILL');
        assertCall(await call(instance, 'monitor'), 1, /processes of the instance live/);
        assertCall(await call(instance, 'stop'), 0);
        assert.equal([...processesNaming(instance.pidfile).keys()], [decoy.pid], 'it alone lives on');
        assertCall(await call(instance, 'monitor'), 7, /^not running: /);
      }),
    ),
  );

const canUnshare = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status === 0;

(canUnshare ? test : test.skip)(
  "a container's Kamailio that shares the pidfile is never signalled, and ours is ended (needs PID namespaces)",
  () =>
    withInstance({}, (other) =>
      withInstance({}, async (instance) => {
        assertCall(await call(instance, 'start'), 0);
        const ours = instance.pids();
        const namespace = ['--pid', '--fork', '--kill-child', '--mount-proc', '/usr/sbin/kamailio', '-DD'];
        const sockets = ['udp', 'tcp'].flatMap((proto) => ['-l', `${proto}:127.0.0.1:${other.port}`]);
        const args = [...namespace, '-P', instance.pidfile, '-f', other.conffile, ...sockets];
        await withProgram('unshare', args, {}, async (unshare) => {
          const inside = () =>
            [...processesNaming(instance.pidfile).keys()]
              .filter((pid) => pid !== unshare.pid && !ours.includes(pid))
              .sort();
          // As a number of its own namespace, which here is that of another process, or of none.
          await until(() => instance.mainPid() < Math.min(...ours), 'the pidfile is its own');
          await until(() => inside().length === ours.length, 'it has forked as many processes as ours');
          const pids = inside();
          assertCall(
            await call(instance, 'monitor'),
            1,
            /the main process is not known .* processes of the instance live/,
          );
          assertCall(await call(instance, 'stop'), 0);
          assert.equal(instance.pids(), []);
          assertCall(await call(instance, 'monitor'), 7, /^not running: /);
          assert.equal(inside(), pids, 'it lives on');
          assert.is(unshare.ended(), undefined);
        });
        await until(() => processesNaming(instance.pidfile).size === 0, 'the namespace is gone');
      }),
    ),
);

test("kamuser's processes count, also when pidfile and directory tell nothing of that account", () =>
  withInstance({ ...KAMAILIO, params: { kamuser: 'kamailio' } }, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    chownSync(dirname(instance.pidfile), 0, 0);
    assertCall(await call(instance, 'monitor'), 0);
    rmSync(instance.pidfile);
    assertCall(
      await call(instance, 'monitor'),
      1,
      /the main process is not known .* processes of the instance live/,
    );
    assertCall(await call(instance, 'stop'), 0);
    assert.equal([...processesNaming(instance.pidfile)], []);
    assertCall(await call(instance, 'monitor'), 7, /^not running: /);
  }));

test('an account that kamailio.cfg changes to is known by the owner of the pidfile', () =>
  withInstance({}, async (instance) => {
    const config = readFileSync(instance.conffile, 'utf8');
    writeFileSync(instance.conffile, config.replace('\n', '\nuser="kamailio"\ngroup="kamailio"\n'));
    try {
      assertCall(await call(instance, 'start'), 0);
      assert.is(statSync(instance.pidfile).uid, KAMAILIO.uid);
      assertCall(await call(instance, 'monitor'), 0);
      const main = instance.mainPid();
      signalAll([main], 'SIGKILL');
      await untilGone(main);
      assertCall(await call(instance, 'monitor'), 1, /processes of the instance live/);
      assertCall(await call(instance, 'stop'), 0);
      assert.equal([...processesNaming(instance.pidfile)], []);
    } finally {
      await call(instance, 'stop', { kamuser: 'kamailio' });
    }
  }));

test.run();
