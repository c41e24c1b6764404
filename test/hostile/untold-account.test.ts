import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runFile } from '../../src/process/run-directory.ts';
import { AGENT } from '../support/agent.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { type TestInstance, until } from '../support/instance.ts';
import { account } from '../support/ordinary-user.ts';
import { commandLine, processesNaming, signalAll, withProgram } from '../support/processes.ts';

const NOBODY = account('nobody');
const KAMAILIO = account('kamailio');

/** What a monitor says of processes that run as an account that kamuser does not name. */
const UNTOLD = [
  new RegExp(
    `^\\d+ processes of the instance live as kamailio \\(uid ${KAMAILIO.uid}\\), which kamuser does not name: pid \\d+`,
  ),
  /; set kamuser=kamailio; a stop removes them all$/,
];

/** Runs `body` with an instance whose kamailio.cfg changes the account, of which no parameter tells. */
function withUser(
  body: (instance: TestInstance) => Promise<void>,
  params: Readonly<Record<string, string>> = {},
): Promise<void> {
  return withInstance({ params }, async (instance) => {
    const config = readFileSync(instance.conffile, 'utf8');
    writeFileSync(instance.conffile, config.replace('\n', '\nuser="kamailio"\ngroup="kamailio"\n'));
    try {
      await body(instance);
    } finally {
      await call(instance, 'stop', { kamuser: 'kamailio' });
      signalAll(processesNaming(instance.pidfile).keys(), 'SIGKILL');
    }
  });
}

/** Where a start notes the account. */
function noteOf({ pidfile }: TestInstance): string {
  return runFile(pidfile, 'account');
}

test('a start remembers and warns of an account that kamailio.cfg sets, and monitor and stop know it without the pidfile', () =>
  withUser(async (instance) => {
    const started = await call(instance, 'start');
    assertCall(started, 0);
    assert.match(
      started.stderr,
      /^WARNING: Kamailio runs as kamailio \(uid \d+\), which kamailio\.cfg sets and kamuser does not name; set kamuser=kamailio \(until then the agent remembers it\)$/m,
    );
    assertCall(await call(instance, 'monitor'), 0);
    rmSync(instance.pidfile);
    // On another port nothing is to be seen of sockets: only the note speaks.
    assertCall(await call(instance, 'monitor', { port: '9' }), 1, ...UNTOLD);
    assertCall(await call(instance, 'monitor'), 1, ...UNTOLD);
    assertCall(await call(instance, 'stop', { port: '9' }), 0);
    assert.equal([...processesNaming(instance.pidfile)], []);
    assert.not(existsSync(noteOf(instance)), 'a stop that leaves nothing removes the note');
    assertCall(await call(instance, 'monitor'), 7, /^not running: /);
  }));

test('a start that finds Kamailio healthy remembers its account as well', () =>
  withUser(async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    rmSync(noteOf(instance));
    const again = await call(instance, 'start');
    assertCall(again, 0);
    assert.match(again.stderr, /^WARNING: Kamailio runs as kamailio /m);
    assert.is(readFileSync(noteOf(instance), 'utf8'), `${KAMAILIO.uid}\n${instance.pidfile}\n`);
  }));

test('a start leaves no note of an account that kamuser names, or of root', async () => {
  for (const options of [{}, { ...KAMAILIO, params: { kamuser: 'kamailio' } }]) {
    await withInstance(options, async (instance) => {
      const started = await call(instance, 'start');
      assertCall(started, 0);
      assert.not.match(started.stderr, /^WARNING/m);
      assert.not(existsSync(noteOf(instance)));
      assertCall(await call(instance, 'stop'), 0);
    });
  }
});

for (const proto of ['udptcp', 'tcp']) {
  test(`what root started by hand is known by its sockets when its pidfile is lost (${proto})`, () =>
    withUser(
      async (instance) => {
        const listen = ['udp', 'tcp'].filter((transport) => proto.includes(transport));
        const sockets = listen.flatMap((transport) => ['-l', `${transport}:127.0.0.1:${instance.port}`]);
        const words = ['-P', instance.pidfile, '-f', instance.conffile, ...sockets];
        assert.is(spawnSync('/usr/sbin/kamailio', words, { stdio: 'ignore' }).status, 0);
        await until(async () => (await call(instance, 'monitor')).code === 0, 'it serves');
        rmSync(instance.pidfile);
        assert.not(existsSync(noteOf(instance)));
        assertCall(await call(instance, 'monitor'), 1, ...UNTOLD);
        const diagnosed = await call(instance, 'diagnose');
        assert.match(diagnosed.stdout, /live as kamailio \(uid \d+\), which kamuser does not name/);
        assert.match(diagnosed.stdout, /-> set kamuser=kamailio; a stop removes them all/);
        assertCall(await call(instance, 'stop'), 0);
        assert.equal([...processesNaming(instance.pidfile)], []);
        assertCall(await call(instance, 'monitor'), 7, /^not running: /);
      },
      { proto },
    ));
}

test("a stranger's Kamailio that holds the instance's port itself is neither counted nor signalled", () =>
  withInstance({}, async (instance) => {
    const fifo = join(instance.directory, 'never');
    assert.is(spawnSync('mkfifo', ['-m', '666', fifo]).status, 0);
    // A socket of his own that Kamailio inherits: $^F keeps it open over exec.
    const script = `use Socket; $^F = 9; socket(S, PF_INET, SOCK_DGRAM, 0) && bind(S, sockaddr_in(${instance.port}, INADDR_LOOPBACK)) && exec @ARGV; exit 3`;
    const words = ['/usr/sbin/kamailio', '-P', instance.pidfile, '-f', fifo];
    await withProgram(
      'perl',
      ['-e', script, '--', ...words],
      { uid: NOBODY.uid, gid: NOBODY.gid },
      async (decoy) => {
        await until(() => commandLine(decoy.pid)[0] === '/usr/sbin/kamailio', 'the decoy is executed');
        assertCall(await call(instance, 'monitor'), 7, /^not running: /);
        writeFileSync(instance.pidfile, `${decoy.pid}\n`);
        assertCall(await call(instance, 'monitor'), 7, /which is another program \(left alone\)/);
        assertCall(await call(instance, 'stop'), 0);
        assert.is(decoy.ended(), undefined, 'it lives on');
      },
    );
  }));

const canMount = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/run']).status === 0;

(canMount ? test : test.skip)(
  'a note of an account counts only where nobody but root can have written it (needs a mount namespace)',
  () =>
    withInstance({}, async (instance) => {
      const fifo = join(instance.directory, 'never');
      assert.is(spawnSync('mkfifo', ['-m', '666', fifo]).status, 0);
      const note = noteOf(instance);
      const noted = (preparation: string) => {
        const script = join(instance.directory, 'agent');
        const lines = [
          'set -e',
          'mount -t tmpfs none /run',
          `mkdir -m 755 ${dirname(note)}`,
          `printf '%s\\n' ${NOBODY.uid} ${instance.pidfile} > ${note}`,
          preparation,
          `exec ${AGENT} "$@"`,
        ];
        writeFileSync(script, `${lines.join('\n')}\n`);
        const wrapper = join(instance.directory, 'wrapper');
        writeFileSync(wrapper, `#!/bin/sh\nexec unshare --mount /bin/sh ${script} "$@"\n`, { mode: 0o755 });
        return call(instance, 'monitor', {}, { agent: wrapper });
      };
      const words = ['-P', instance.pidfile, '-f', fifo];
      await withProgram('/usr/sbin/kamailio', words, { ...NOBODY }, async () => {
        assertCall(await noted(''), 1, /1 processes of the instance live as nobody/);
        for (const preparation of [
          `chmod 777 ${dirname(note)}`,
          `chown ${NOBODY.uid} ${dirname(note)}`,
          `mv ${dirname(note)} /run/other; ln -s /run/other ${dirname(note)}`,
          `echo ${NOBODY.uid} > ${note}`,
          `printf '%s\\n' ${NOBODY.uid} ${instance.pidfile}2 > ${note}`,
          `printf '%s\\n' ${NOBODY.uid}x ${instance.pidfile} > ${note}`,
        ])
          assertCall(await noted(preparation), 7, /^not running: /);
      });
    }),
);

test.run();
