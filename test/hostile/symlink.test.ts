import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertCall, call, withInstance } from '../support/calls.ts';
import type { TestInstance } from '../support/instance.ts';
import { account } from '../support/ordinary-user.ts';

const NOBODY = account('nobody');
const KAMAILIO = account('kamailio');

/** Root's own directory with a file that bears the pidfile's name, and one that belongs to a stranger. */
interface Scene {
  /** Holds `run/kamailio.pid`. */
  readonly victim: string;
  readonly theirs: string;
}

/** Runs `body` with such directories; whatever it does, root's file is there afterwards, untouched. */
async function withVictim(body: (instance: TestInstance, scene: Scene) => Promise<void>): Promise<void> {
  await withInstance({}, async (instance) => {
    const victim = join(instance.directory, 'victim');
    const theirs = join(instance.directory, 'theirs');
    mkdirSync(join(victim, 'run'), { recursive: true });
    mkdirSync(theirs);
    const file = join(victim, 'run/kamailio.pid');
    writeFileSync(file, 'precious\n');
    chownSync(theirs, NOBODY.uid, NOBODY.gid);
    await body(instance, { victim, theirs });
    assert.is(readFileSync(file, 'utf8'), 'precious\n');
  });
}

/** Asserts that nothing is started or removed through a path that leads where a stranger wants. */
async function assertNotLed(instance: TestInstance, pidfile: string): Promise<void> {
  assertCall(await call(instance, 'start', { pidfile }), 4, /symbolic link|another account controls/);
  assertCall(await call(instance, 'monitor', { pidfile }), 7, /^not running: /);
  const stopped = await call(instance, 'stop', { pidfile });
  assertCall(stopped, 0);
  assert.match(
    stopped.stderr,
    /^WARNING: the pidfile .* is left: .*(symbolic link|another account controls)/m,
  );
}

test("no file is removed through a stranger's link in the place of the pidfile's directory", () =>
  withVictim(async (instance, { victim, theirs }) => {
    symlinkSync(join(victim, 'run'), join(theirs, 'run'));
    await assertNotLed(instance, join(theirs, 'run/kamailio.pid'));
  }));

test("root's own link in the place of the pidfile's directory is not followed either", () =>
  withVictim(async (instance, { victim }) => {
    symlinkSync(join(victim, 'run'), join(instance.directory, 'link'));
    await assertNotLed(instance, join(instance.directory, 'link/kamailio.pid'));
  }));

test("no file is removed through a stranger's link above the pidfile's directory", () =>
  withVictim(async (instance, { victim, theirs }) => {
    symlinkSync(victim, join(theirs, 'link'));
    await assertNotLed(instance, join(theirs, 'link/run/kamailio.pid'));
  }));

test("a stranger's link in a sticky directory, such as /tmp, is not followed", () =>
  withVictim(async (instance, { victim }) => {
    const tmp = join(instance.directory, 'tmp');
    mkdirSync(tmp);
    chmodSync(tmp, 0o1777);
    symlinkSync(victim, join(tmp, 'link'));
    lchownSync(join(tmp, 'link'), NOBODY.uid, NOBODY.gid);
    await assertNotLed(instance, join(tmp, 'link/run/kamailio.pid'));
  }));

test("a link of root's that leads through a stranger's is not followed", () =>
  withVictim(async (instance, { victim, theirs }) => {
    symlinkSync(victim, join(theirs, 'link'));
    symlinkSync('theirs/link', join(instance.directory, 'by-way'));
    await assertNotLed(instance, join(instance.directory, 'by-way/run/kamailio.pid'));
  }));

test("a link of root's to root's directory, such as /var/run, is followed", () =>
  withInstance({}, async (instance) => {
    symlinkSync('.', join(instance.directory, 'here'));
    symlinkSync(`${instance.directory}/here/run/..`, join(instance.directory, 'there'));
    const pidfile = join(instance.directory, 'there/run/kamailio.pid');
    try {
      assertCall(await call(instance, 'start', { pidfile }), 0);
      assertCall(await call(instance, 'monitor', { pidfile }), 0);
    } finally {
      assertCall(await call(instance, 'stop', { pidfile }), 0);
    }
    assert.not(existsSync(pidfile));
  }));

test('a directory that a stranger made before the agent is refused, and what he put there stays', () =>
  withInstance({}, async (instance) => {
    const directory = join(instance.directory, 'kamailio_sip');
    mkdirSync(directory);
    writeFileSync(join(directory, 'kamailio.pid'), '1\n');
    for (const path of [directory, join(directory, 'kamailio.pid')]) chownSync(path, NOBODY.uid, NOBODY.gid);
    const pidfile = join(directory, 'kamailio.pid');
    assertCall(await call(instance, 'start', { pidfile }), 4, /belongs to another account/);
    assertCall(
      await call(instance, 'monitor', { pidfile }),
      7,
      /names pid 1, which is another program \(left alone\)/,
    );
    assertCall(await call(instance, 'stop', { pidfile }), 0);
    assert.ok(existsSync(pidfile));
  }));

test("kamuser's link in the place of the pidfile leads nowhere: not read, not removed behind it", () =>
  withInstance({ ...KAMAILIO, params: { kamuser: 'kamailio' } }, async (instance) => {
    const target = join(instance.directory, 'precious');
    writeFileSync(target, `${process.pid}\n`);
    symlinkSync(target, instance.pidfile);
    lchownSync(instance.pidfile, KAMAILIO.uid, KAMAILIO.gid);
    assertCall(await call(instance, 'monitor'), 7, /is a symbolic link/);
    assertCall(await call(instance, 'start'), 0);
    assert.ok(lstatSync(instance.pidfile).isFile());
    const main = instance.pidfile;
    renameSync(main, `${main}.real`);
    symlinkSync(target, main);
    assertCall(await call(instance, 'monitor'), 1, /is a symbolic link/);
    assertCall(await call(instance, 'stop'), 0);
    assert.is(readFileSync(target, 'utf8'), `${process.pid}\n`);
  }));

test('a link to a FIFO, a device or a directory in the place of kamctlrc holds nobody up', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    for (const target of ['/dev/zero', instance.fifo, dirname(instance.fifo)]) {
      rmSync(instance.kamctlrc);
      symlinkSync(target, instance.kamctlrc);
      assertCall(await call(instance, 'monitor'), 190, /serves, but: .* is no text file of settings/);
      assertCall(await call(instance, 'validate-all'), 2, /is no text file of settings/);
    }
    assertCall(await call(instance, 'stop'), 0);
  }));

test.run();
