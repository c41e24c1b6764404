import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CallOptions } from '../support/agent.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import type { TestInstance } from '../support/instance.ts';
import { account, ordinaryUser } from '../support/ordinary-user.ts';
import { processesNaming } from '../support/processes.ts';

/** Asserts what both validate-all and start make of this node, that nothing runs then, and that stop works. */
async function assertRefused(
  instance: TestInstance,
  params: Readonly<Record<string, string>>,
  code: number,
  reason: RegExp,
  options: CallOptions = {},
): Promise<void> {
  assertCall(await call(instance, 'validate-all', params, options), code, reason);
  assertCall(await call(instance, 'start', params, options), code, reason);
  assert.equal([...processesNaming(instance.pidfile)], []);
  assertCall(await call(instance, 'stop', params, options), 0);
}

test('a healthy node passes validate-all, which starts nothing', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'validate-all'), 0);
    assert.equal([...processesNaming(instance.pidfile)], []);
  }));

test('a missing binary is not installed', () =>
  withInstance({}, (instance) => {
    const binary = join(instance.directory, 'kamailio');
    return assertRefused(
      instance,
      { binary },
      5,
      /^binary .*\/kamailio does not exist on this node; install/,
    );
  }));

test('a binary that is not executable is not installed', () =>
  withInstance({}, (instance) => {
    const binary = join(instance.directory, 'kamailio');
    writeFileSync(binary, '', { mode: 0o644 });
    return assertRefused(instance, { binary }, 5, /^binary .*\/kamailio is not executable; install/);
  }));

test('a directory in the place of the binary is not installed', () =>
  withInstance({}, (instance) =>
    assertRefused(instance, { binary: instance.directory }, 5, /^binary .* is no file; install/),
  ));

test('a binary of another machine is not installed', () =>
  withInstance({}, async (instance) => {
    const binary = join(instance.directory, 'kamailio');
    writeFileSync(binary, '\x7fELF\x02\x01\x01 not for this processor', { mode: 0o755 });
    assertCall(await call(instance, 'start', { binary }), 5, /^binary .* is no program for this node/);
    assertCall(await call(instance, 'stop', { binary }), 0);
  }));

test('a missing configuration file is not installed', () =>
  withInstance({}, (instance) => {
    const conffile = join(instance.directory, 'other.cfg');
    return assertRefused(instance, { conffile }, 5, /^conffile .*\/other\.cfg does not exist on this node/);
  }));

test('a missing kamctlrc is not installed, but costs a Kamailio that runs nothing but its 190', () =>
  withInstance({}, async (instance) => {
    const kamctlrc = join(instance.directory, 'other');
    const reason = /kamctlrc .*\/other is missing on this node \(ENOENT\); .*set kamctlrc to nothing/;
    await assertRefused(instance, { kamctlrc }, 5, reason);
    assertCall(await call(instance, 'start'), 0);
    assertCall(
      await call(instance, 'monitor', { kamctlrc }),
      190,
      /^Kamailio \(pid \d+\) serves, but: /,
      reason,
    );
    assertCall(await call(instance, 'stop', { kamctlrc }), 0);
  }));

test('a syntax error is told with the line and column that Kamailio names', () =>
  withInstance({ config: 'this is no configuration' }, (instance) =>
    assertRefused(
      instance,
      {},
      2,
      /^Kamailio rejects its configuration .*kamailio\.cfg: .*parse error.* line \d+, column \d+/,
    ),
  ));

test('an unknown kamuser or kamgroup is an error on this node', () =>
  withInstance({}, async (instance) => {
    const nobody = 'nosuchaccount';
    await assertRefused(
      instance,
      { kamuser: nobody },
      2,
      /^the account "nosuchaccount" \(kamuser\) is not known/,
    );
    await assertRefused(
      instance,
      { kamgroup: nobody },
      2,
      /^the group "nosuchaccount" \(kamgroup\) is not known/,
    );
  }));

test('an ordinary user cannot start Kamailio as somebody else', () =>
  withInstance(account('nobody'), (instance) => {
    const { uid, gid, agent, path } = ordinaryUser(instance.directory);
    const reason = /^only root can start Kamailio as kamailio; call the agent as root/;
    return assertRefused(instance, { kamuser: 'kamailio' }, 4, reason, {
      uid,
      gid,
      agent,
      env: { PATH: path },
    });
  }));

test('an ordinary user cannot stop a Kamailio of root, and is told so', () =>
  withInstance({}, async (instance) => {
    const { uid, gid, agent, path } = ordinaryUser(instance.directory);
    assertCall(await call(instance, 'start'), 0);
    const stopped = await call(instance, 'stop', {}, { uid, gid, agent, env: { PATH: path } });
    assert.not.equal(stopped.code, 0, `a stop that did nothing says it did: ${stopped.stderr}`);
    assertCall(stopped, 4, /^no permission to signal Kamailio's process \d+ .*; call the agent as root/);
    assertCall(await call(instance, 'monitor'), 0);
    assertCall(await call(instance, 'stop'), 0);
  }));

test('a pidfile directory that is a symbolic link is refused', () =>
  withInstance({}, async (instance) => {
    const run = dirname(instance.pidfile);
    renameSync(run, `${run}.real`);
    symlinkSync(`${run}.real`, run);
    await assertRefused(instance, {}, 4, /\/run is a symbolic link, which could lead root anywhere/);
  }));

test('a pidfile directory that strangers may write to is refused', () =>
  withInstance({}, async (instance) => {
    const run = dirname(instance.pidfile);
    chmodSync(run, 0o777);
    await assertRefused(instance, {}, 4, /^others may write to .*\/run \(mode 0777\); chmod it to 0755/);
    chmodSync(run, 0o1777);
    await assertRefused(instance, {}, 4, /^others may write to .*\/run \(mode 1777\)/);
    chmodSync(run, 0o775);
    chownSync(run, 0, account('nobody').gid);
    await assertRefused(instance, {}, 4, /^others may write to .*\/run \(mode 0775\)/);
  }));

test('a pidfile directory of another account is refused', () =>
  withInstance({}, async (instance) => {
    const { uid, gid } = account('nobody');
    chownSync(dirname(instance.pidfile), uid, gid);
    await assertRefused(instance, {}, 4, /\/run belongs to another account \(uid \d+\)/);
    await assertRefused(instance, { kamuser: 'kamailio' }, 4, /\/run belongs to another account \(uid \d+\)/);
  }));

test("kamuser is named as the remedy where the distribution's package owns the directory", () =>
  withInstance({}, async (instance) => {
    const run = dirname(instance.pidfile);
    const { uid, gid } = account('kamailio');
    const set = '; if Kamailio is to run as kamailio, set kamuser=kamailio; else ch';
    const foreign = new RegExp(`belongs to another account .*${set}own`);
    // As kamailio.service has it (RuntimeDirectoryMode), and with kamuser and kamgroup at odds.
    chownSync(run, uid, gid);
    chmodSync(run, 0o770);
    await assertRefused(instance, {}, 4, foreign);
    await assertRefused(instance, { kamuser: 'nobody' }, 4, foreign);
    await assertRefused(
      instance,
      { kamuser: 'kamailio', kamgroup: 'daemon' },
      4,
      /\(mode 0770\); kamuser=kamailio runs in another group: if it may be kamailio, set kamgroup=kamailio; else chmod/,
    );
    // Root's, and the group may write.
    chownSync(run, 0, gid);
    await assertRefused(instance, {}, 4, new RegExp(`\\(mode 0770\\)${set}mod`));
    chownSync(instance.directory, uid, gid);
    const followed = await call(instance, 'start', { kamuser: 'kamailio' });
    assertCall(followed, 0);
    assertCall(await call(instance, 'stop', { kamuser: 'kamailio' }), 0);
  }));

test('a pidfile directory below one that another account controls is refused, and not made', () =>
  withInstance({}, async (instance) => {
    const { uid, gid } = account('nobody');
    const theirs = join(instance.directory, 'theirs');
    mkdirSync(theirs);
    chownSync(theirs, uid, gid);
    const pidfile = join(theirs, 'run', 'kamailio.pid');
    await assertRefused(instance, { pidfile }, 4, /lies below .*\/theirs, which another account controls/);
    assert.not(existsSync(dirname(pidfile)));
  }));

test('a pidfile directory and a FIFO directory that are missing, as after a boot, are made for kamuser', () => {
  const config = (_port: number, directory: string) =>
    `modparam("jsonrpcs", "fifo_name", "${directory}/control/rpc.fifo")`;
  return withInstance({ config }, async (instance) => {
    writeFileSync(instance.kamctlrc, `RPCFIFOPATH=${instance.directory}/control/rpc.fifo\n`);
    const params = { pidfile: join(instance.directory, 'boot', 'kamailio.pid'), kamuser: 'kamailio' };
    try {
      assertCall(await call(instance, 'start', params), 0);
      assertCall(await call(instance, 'monitor', params), 0);
      for (const name of ['boot', 'control']) {
        const made = statSync(join(instance.directory, name));
        assert.is(made.uid, account('kamailio').uid, `${name} belongs to kamuser`);
        assert.is(made.mode & 0o777, 0o755);
      }
    } finally {
      assertCall(await call(instance, 'stop', params), 0);
    }
    assert.not(existsSync(params.pidfile));
    assert.ok(existsSync(dirname(params.pidfile)), 'a directory that is not the default one stays');
  });
});

test.run();
