import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { askUptime } from '../../src/kamctl/methods.ts';
import { answer, controlStandIn } from '../kamctl/support.ts';
import { AGENT } from '../support/agent.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { within } from '../support/deadline.ts';
import type { TestInstance } from '../support/instance.ts';
import { account } from '../support/ordinary-user.ts';
import { withAttacker } from './attacker.ts';

/** Kamailio's account, where the test has none run. */
const OWNER = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };

/** An agent that dawdles for half a second each time one of its programs has ended, such as mkfifo. */
function dawdling({ directory }: TestInstance): string {
  const agent = join(directory, 'dawdling');
  const trace = '-e trace=wait4 -e inject=wait4:delay_exit=500000';
  writeFileSync(
    agent,
    `#!/bin/sh\nexec strace -f --seccomp-bpf -qq -o /dev/null ${trace} '${AGENT}' "$@"\n`,
    {
      mode: 0o755,
    },
  );
  return agent;
}

/** What an attacker does with the FIFO `path` that he has just seen; `prepared` makes something to put there. */
const THEFTS = {
  'is removed': { prepare: '', act: 'fs.unlinkSync(path);' },
  'is moved away': { prepare: '', act: `fs.renameSync(path, 'stolen');` },
  'becomes a link to a file of root': {
    prepare: `attempt(() => fs.symlinkSync('../precious', 'prepared'));`,
    act: `fs.renameSync('prepared', path);`,
  },
  "becomes the attacker's own FIFO": {
    prepare: `require('node:child_process').spawnSync('/usr/bin/mkfifo', ['-m', '666', 'prepared']);`,
    act: `fs.renameSync('prepared', path);`,
  },
  "becomes the attacker's own file": {
    prepare: `fs.writeFileSync('prepared', '{}');`,
    act: `fs.renameSync('prepared', path);`,
  },
  'becomes a directory': { prepare: '', act: 'fs.unlinkSync(path); fs.mkdirSync(path);' },
} as const;

test('a reply FIFO that is removed or exchanged in a directory that anybody may change is told, and not followed', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    // Kamailio answers into its own /tmp, so no reply comes before the attacker's turn.
    const replies = join(instance.directory, 'tmp');
    mkdirSync(replies);
    const precious = join(instance.directory, 'precious');
    writeFileSync(precious, 'precious', { mode: 0o644 });
    writeFileSync(instance.kamctlrc, `RPCFIFOPATH=${instance.fifo}\nCHROOT_DIR=${instance.directory}\n`);
    for (const [index, [what, { prepare, act }]] of Object.entries(THEFTS).entries()) {
      // Open to all and not sticky, or sticky, which does not bind its owner.
      chownSync(replies, index % 2 === 0 ? 0 : account('nobody').uid, 0);
      chmodSync(replies, index % 2 === 0 ? 0o777 : 0o1777);
      const script = `
        const done = new Set();
        fs.rmSync('prepared', { force: true });
        ${prepare}
        ready();
        everyMs(() => {
          for (const name of fs.readdirSync('../tmp')) {
            const path = '../tmp/' + name;
            if (done.has(name) || !fs.lstatSync(path).isFIFO()) continue;
            done.add(name);
            attempt(() => { ${act} });
            ${prepare}
          }
        });`;
      await withAttacker(instance, script, async () => {
        // Before the agent opens it, which is where it matters what stands there, and once after that.
        for (const options of [{ agent: dawdling(instance) }, ...(what === 'is removed' ? [{}] : [])]) {
          const limitMs = 10_000;
          const params = { CRM_meta_timeout: String(limitMs), probe_timeout: '3' };
          const monitored = await call(instance, 'monitor', params, { limitMs, ...options });
          assertCall(monitored, 1);
          const told =
            /control plane: \S+\/kamailio_ocf_\w+ was taken away or exchanged by somebody; (\S+) must be/;
          assert.is(told.exec(monitored.reason)?.[1], replies, `it ${what}: ${monitored.reason}`);
        }
      });
      assert.is(readFileSync(precious, 'utf8'), 'precious');
      assert.is(statSync(precious).mode & 0o777, 0o644);
    }
    assertCall(await call(instance, 'stop'), 0);
  }));

/** Tries all of the above, and to write a reply of his own, in a directory where he may not. */
function meddle(directory: string): string {
  return `
    const directory = ${JSON.stringify(directory)};
    ready();
    everyMs(() => {
      for (const name of fs.readdirSync(directory)) {
        const path = directory + '/' + name;
        attempt(() => fs.writeFileSync(path, '{"jsonrpc":"2.0","result":{"uptime":1},"id":1}', { flag: fs.constants.O_WRONLY | fs.constants.O_NONBLOCK }));
        attempt(() => fs.unlinkSync(path));
        attempt(() => fs.renameSync(path, path + 'x'));
      }
    });`;
}

const canMount = spawnSync('unshare', ['--mount', 'true']).status === 0;

(canMount ? test : test.skip)(
  "settings that a stranger puts in kamctl's way in a /tmp of his are not executed (needs mount namespaces)",
  () =>
    withInstance({}, async (instance) => {
      assertCall(await call(instance, 'start'), 0);
      const { directory } = instance;
      const { uid, gid } = account('nobody');
      const [theirs, mark] = [join(directory, 'theirs'), join(directory, 'mark')];
      const [inside, agent] = [join(theirs, basename(directory)), join(directory, 'agent')];
      // The directory is in their /tmp as well; a clone in /tmp would not be.
      const built = join(directory, 'built');
      copyFileSync(AGENT, built);
      mkdirSync(inside, { recursive: true });
      chownSync(theirs, uid, gid);
      // For the agent alone /tmp is theirs, with the instance's directory in it; it dawdles before each fork.
      const mounts = `mount --bind ${directory} ${inside} && mount --rbind ${theirs} /tmp`;
      const trace = 'strace -f -qq -o /dev/null -e trace=clone -e inject=clone:delay_enter=300000:when=1..4';
      const [head, tail] = ["#!/bin/sh\nexec unshare --mount sh -c '", `' sh "$@"\n`];
      writeFileSync(agent, `${head}${mounts} && exec ${trace} "${built}" "$@"${tail}`, { mode: 0o755 });
      const script = `
      ready();
      everyMs(() => {
        for (const name of fs.readdirSync('../theirs').filter((name) => /^kamailio_ocf_home_\\d+_\\d+_.{6}$/.test(name))) {
          const path = '../theirs/' + name;
          fs.renameSync(path, path + '-moved');
          fs.mkdirSync(path);
          fs.writeFileSync(path + '/.kamctlrc', 'id > ${mark}\\n');
        }
      });`;
      await withAttacker(instance, script, async () => {
        const params = { monitor_tools: 'external', CRM_meta_timeout: '12000', probe_timeout: '5' };
        assertCall(await call(instance, 'monitor', params, { agent }), 1, /kamctl monitor 1/);
      });
      assert.not(existsSync(mark), existsSync(mark) ? readFileSync(mark, 'utf8') : '');
      assertCall(await call(instance, 'stop'), 0);
    }),
);

// A monitor takes no answer but its own Kamailio's, so what the agent asks a stand-in with is called by itself.
test('in a directory that is sticky an attacker can do nothing to the reply', () =>
  withInstance({}, async (instance) => {
    for (const answering of [true, false]) {
      const control = controlStandIn((request) => {
        const reply = { jsonrpc: '2.0', id: request.id, result: { uptime: 1 } };
        if (answering) setTimeout(() => answer(request, JSON.stringify(reply)), 50);
      });
      const ask = (leavesSpare = false) =>
        askUptime(control.settings, OWNER, within(answering ? 10_000 : 2000), leavesSpare);
      try {
        await withAttacker(instance, meddle(control.settings.replyDirectory), async () => {
          if (!answering) {
            const failed = await ask().then(
              () => undefined,
              (error: unknown) => error,
            );
            assert.match(String(failed), /no reply to core\.uptime/);
            assert.equal(control.leftovers(), []);
            return;
          }
          assert.is(await ask(), 1);
          assert.equal(control.leftovers(), []);
          // A start leaves a FIFO for the next replies, which he knows the name of.
          assert.is(await ask(true), 1);
          const spare = basename(control.settings.spareFifo);
          const { ino } = statSync(join(control.settings.replyDirectory, spare));
          for (let round = 0; round < 5; round += 1) {
            assert.is(await ask(), 1);
            assert.equal(control.leftovers(), [spare]);
          }
          assert.is(statSync(join(control.settings.replyDirectory, spare)).ino, ino);
        });
      } finally {
        control.close();
      }
    }
  }));

test("an attacker who reads requests from a FIFO of his in Kamailio's place cannot answer them", () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    const script = `
      require('node:child_process').spawnSync('/usr/bin/mkfifo', ['-m', '666', 'rpc.fifo']);
      const fd = fs.openSync('rpc.fifo', fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
      const buffer = Buffer.alloc(4096);
      ready();
      everyMs(() => {
        const { reply_name, id } = JSON.parse(buffer.toString('utf8', 0, fs.readSync(fd, buffer)));
        fs.writeFileSync('seen', reply_name);
        fs.writeFileSync('/tmp/' + reply_name, JSON.stringify({ jsonrpc: '2.0', id, result: { uptime: 1 } }), { flag: fs.constants.O_WRONLY });
      });`;
    await withAttacker(instance, script, async () => {
      const attacker = join(instance.directory, `attacker-${account('nobody').uid}`);
      writeFileSync(instance.kamctlrc, `RPCFIFOPATH=${attacker}/rpc.fifo\n`);
      const monitored = await call(instance, 'monitor', { probe_timeout: '1' });
      assertCall(
        monitored,
        1,
        /control plane: the FIFO \S+ is read by pid \d+ \(\S+\), not by this Kamailio/,
      );
      assert.match(readFileSync(join(attacker, 'seen'), 'utf8'), /^kamailio_ocf_/);
    });
    assertCall(await call(instance, 'stop'), 0);
  }));

test('a FIFO that a stranger has put where the request FIFO was, and does not read, holds nobody up', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    await withAttacker(
      instance,
      `require('node:child_process').spawnSync('/usr/bin/mkfifo', ['-m', '666', 'rpc.fifo']); ready(); everyMs(() => {});`,
      async () => {
        writeFileSync(
          instance.kamctlrc,
          `RPCFIFOPATH=${instance.directory}/attacker-${account('nobody').uid}/rpc.fifo\n`,
        );
        const limitMs = 10_000;
        assertCall(await call(instance, 'monitor', {}, { limitMs }), 1, /nobody reads the FIFO/);
      },
    );
    assertCall(await call(instance, 'stop'), 0);
  }));

test.run();
