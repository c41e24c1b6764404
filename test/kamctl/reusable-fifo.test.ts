import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { spareFifoPath } from '../../src/kamctl/fifo-names.ts';
import { callRpc } from '../../src/kamctl/rpc.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { within } from '../support/deadline.ts';
import { type TestInstance, until } from '../support/instance.ts';
import { signalAll } from '../support/processes.ts';
import { traceAction } from '../support/trace.ts';
import { answer, type ControlStandIn, controlStandIn, makeFifo, type Request } from './support.ts';

const ME = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
const SPARE = 'spare';

const reply = (request: Request) =>
  answer(request, JSON.stringify({ jsonrpc: '2.0', result: {}, id: request.id }));

async function withStandIn(
  onRequest: (request: Request) => void,
  body: (standIn: ControlStandIn) => Promise<void>,
): Promise<void> {
  const standIn = controlStandIn(onRequest);
  try {
    await body(standIn);
  } finally {
    standIn.close();
  }
}

const ask = (standIn: ControlStandIn, leavesSpare: boolean, ms = 15_000, owner = ME) =>
  callRpc(standIn.settings, owner, 'core.uptime', [], within(ms), leavesSpare);

test('the spare FIFO has a name for each pidfile, of harmless characters and of a length that every disk takes', () => {
  assert.is(
    spareFifoPath('/tmp', '/run/kamailio_a b/kamailio.pid'),
    '/tmp/kamailio_ocf_spare_run_kamailio_a_b_kamailio_pid',
  );
  const long = spareFifoPath('/tmp', `/${'x/'.repeat(2000)}one.pid`);
  assert.match(long, /_one_pid$/);
  assert.ok(long.length < 255);
});

test('a FIFO that is left serves the next requests, each under a name of its own', () =>
  withStandIn(reply, async (standIn) => {
    await ask(standIn, false);
    assert.equal(standIn.leftovers(), [], 'a request that is to leave none leaves none');
    await ask(standIn, true);
    assert.equal(standIn.leftovers(), [SPARE]);
    const { ino } = lstatSync(standIn.settings.spareFifo);
    for (let round = 0; round < 5; round += 1) await ask(standIn, round === 4);
    assert.equal(standIn.leftovers(), [SPARE]);
    assert.is(lstatSync(standIn.settings.spareFifo).ino, ino);
    const [, ...later] = standIn.requests;
    assert.equal([...new Set(later.map(({ replyStat }) => replyStat.ino))], [ino]);
    assert.is(new Set(standIn.requests.map(({ replyName }) => replyName)).size, 7);
    for (const { replyName } of later) assert.match(replyName, /^kamailio_ocf_test_\d+_\d+_[0-9a-f]{24}$/);
  }));

test('requests at the same time each have a FIFO, and one is spare afterwards', () => {
  const waiting: Request[] = [];
  const answerBoth = (request: Request) => {
    waiting.push(request);
    if (waiting.length < 2) return;
    for (const one of waiting.splice(0)) reply(one);
  };
  return withStandIn(answerBoth, async (standIn) => {
    await Promise.all([ask(standIn, true), ask(standIn, true)]);
    assert.equal(standIn.leftovers(), [SPARE], 'none was there before');
    await Promise.all([ask(standIn, false), ask(standIn, false)]);
    assert.equal(standIn.leftovers(), [SPARE], 'one was there before');
    assert.is(new Set(standIn.requests.slice(2).map(({ replyStat }) => replyStat.ino)).size, 2);
  });
});

test('a FIFO to which no whole reply came is not used again', () => {
  let answering = true;
  return withStandIn(
    (request) => answering && reply(request),
    async (standIn) => {
      await ask(standIn, true);
      answering = false;
      for (const leaves of [true, false]) {
        const seen = await ask(standIn, leaves, 300).then(() => 'answered', String);
        assert.match(seen, /no reply to core\.uptime/);
        assert.equal(standIn.leftovers(), []);
      }
      answering = true;
      await ask(standIn, false);
      assert.equal(standIn.leftovers(), []);
    },
  );
});

test('a FIFO that its writer still has open at the deadline is not used again', () => {
  let close = () => {};
  const answerOpenly = ({ replyPath, id }: Request) => {
    const fd = openSync(replyPath, constants.O_WRONLY | constants.O_NONBLOCK);
    writeSync(fd, JSON.stringify({ jsonrpc: '2.0', result: {}, id }));
    close = () => closeSync(fd);
  };
  return withStandIn(answerOpenly, async (standIn) => {
    await ask(standIn, true, 2000);
    close();
    assert.equal(standIn.leftovers(), []);
  });
});

const STRANGER = { uid: 65_534, gid: 65_534 };

/** What else may stand there; each returns what must be the same afterwards. */
const IN_ITS_PLACE: Readonly<Record<string, (spare: string) => () => unknown>> = {
  'a file': (spare) => {
    writeFileSync(spare, 'precious');
    return () => readFileSync(spare, 'utf8');
  },
  'a link to a file': (spare) => {
    const target = `${spare}-target`;
    writeFileSync(target, 'precious');
    symlinkSync(target, spare);
    return () => [lstatSync(spare).isSymbolicLink(), readFileSync(target, 'utf8')];
  },
  'a directory': (spare) => {
    mkdirSync(spare);
    return () => lstatSync(spare).isDirectory();
  },
  'a FIFO to which others can write': (spare) => {
    makeFifo(spare);
    chmodSync(spare, 0o622);
    return () => lstatSync(spare).ino;
  },
  'a FIFO of another account': (spare) => {
    makeFifo(spare);
    chownSync(spare, STRANGER.uid, STRANGER.gid);
    return () => lstatSync(spare).ino;
  },
  'a FIFO with a second name': (spare) => {
    makeFifo(spare);
    linkSync(spare, `${spare}-second`);
    return () => [lstatSync(spare).ino, lstatSync(`${spare}-second`).nlink];
  },
};

for (const [what, put] of Object.entries(IN_ITS_PLACE)) {
  const mayRun = ME.uid === 0 || !what.includes('another account');
  (mayRun ? test : test.skip)(`${what} in the place of the spare FIFO is left alone`, () =>
    withStandIn(reply, async (standIn) => {
      const look = put(standIn.settings.spareFifo);
      const [before, names] = [look(), standIn.leftovers()];
      for (const leaves of [false, true]) {
        await ask(standIn, leaves);
        assert.equal(look(), before);
        assert.equal(standIn.leftovers(), names);
      }
      for (const { replyStat } of standIn.requests) assert.ok(replyStat.isFIFO());
    }),
  );
}

/** The programs that a monitor starts. */
async function programsOf(instance: TestInstance): Promise<string[]> {
  const { code, text } = await traceAction(instance, 'monitor', 'execve');
  assert.is(code, 0);
  return [...text.matchAll(/execve\("([^"]+)".* = 0$/gm)].map(([, path]) => path ?? '');
}

const hasStrace = spawnSync('strace', ['-V']).status === 0;

(hasStrace ? test : test.skip)(
  'start leaves a FIFO with which monitors need no mkfifo, and stop removes it',
  () =>
    withInstance({}, async (instance) => {
      assertCall(await call(instance, 'start'), 0);
      const left = lstatSync(instance.spareFifo);
      assert.ok(left.isFIFO());
      assert.is(left.mode & 0o7777, 0o600);
      assertCall(await call(instance, 'monitor'), 0);
      assert.not((await programsOf(instance)).some((path) => path.endsWith('mkfifo')));
      assertCall(await call(instance, 'monitor', {}, { env: { OCF_CHECK_LEVEL: '20' } }), 0);
      assert.is(lstatSync(instance.spareFifo).ino, left.ino);
      rmSync(instance.spareFifo);
      assert.ok((await programsOf(instance)).some((path) => path.endsWith('mkfifo')));
      assert.not(existsSync(instance.spareFifo), 'a monitor leaves none where none was');
      assertCall(await call(instance, 'start'), 0);
      assert.ok(existsSync(instance.spareFifo), 'a start that finds it running leaves one, too');
      assertCall(await call(instance, 'stop'), 0);
      assert.not(existsSync(instance.spareFifo));
    }),
);

/** Kills every process of the instance. */
async function crash(instance: TestInstance): Promise<void> {
  signalAll(instance.pids(), 'SIGKILL');
  await until(() => instance.pids().length === 0, 'Kamailio is gone');
}

test('a crash leaves the spare FIFO to the next start, and stop removes it though nothing runs or its kamctlrc is gone', () =>
  withInstance({}, async (instance) => {
    for (const isMissing of [false, true]) {
      assertCall(await call(instance, 'start'), 0);
      const { ino } = lstatSync(instance.spareFifo);
      await crash(instance);
      assertCall(await call(instance, 'start'), 0);
      assert.is(lstatSync(instance.spareFifo).ino, ino);
      await crash(instance);
      assertCall(await call(instance, 'monitor'), 7);
      if (isMissing) rmSync(instance.kamctlrc);
      assertCall(await call(instance, 'stop'), 0);
      assert.not(existsSync(instance.spareFifo));
    }
  }));

test('a start that fails leaves no spare FIFO, not even one of a start before', () =>
  withInstance({}, async (instance) => {
    assertCall(await call(instance, 'start'), 0);
    await crash(instance);
    assert.ok(existsSync(instance.spareFifo));
    const params = { probe_user: 'nobody', CRM_meta_timeout: '4000' };
    assertCall(await call(instance, 'start', params), 1, /404/);
    assert.equal(instance.pids(), []);
    assert.not(existsSync(instance.spareFifo));
  }));

test.run();
