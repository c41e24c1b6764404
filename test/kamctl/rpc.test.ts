import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Failure } from '../../src/failure/failure.ts';
import { newReplyFifoName, replyFifoPrefix } from '../../src/kamctl/fifo-names.ts';
import { callRpc } from '../../src/kamctl/rpc.ts';
import { within } from '../support/deadline.ts';
import { answer, type ControlStandIn, controlStandIn, fillFifo, makeFifo, type Request } from './support.ts';

const OWNER = { uid: 65_534, gid: 65_534 };
const ME = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };

/** Calls core.uptime and returns what the failure says; nothing of it may be left in the reply directory. */
async function failure(standIn: ControlStandIn, ms = 15_000): Promise<string> {
  try {
    await callRpc(standIn.settings, ME, 'core.uptime', [], within(ms));
  } catch (error) {
    assert.instance(error, Failure, String(error));
    assert.equal(standIn.leftovers(), []);
    return error instanceof Failure ? error.message : '';
  }
  throw new Error('was answered');
}

/** The failure with a reader that does this on a request. */
async function failureWith(onRequest: (request: Request) => void, ms?: number): Promise<string> {
  const standIn = controlStandIn(onRequest);
  try {
    return await failure(standIn, ms);
  } finally {
    standIn.close();
  }
}

/** The failure with something else, or nothing, in the FIFO's place. */
async function failureAt(prepare: (fifo: string, directory: string) => void): Promise<string> {
  const standIn = controlStandIn();
  try {
    prepare(standIn.settings.fifo, standIn.directory);
    return await failure(standIn);
  } finally {
    standIn.close();
  }
}

const result = (id: number, value: unknown) => JSON.stringify({ jsonrpc: '2.0', result: value, id });

test('a result is returned, and the request is one line of JSON-RPC 2.0', async () => {
  const standIn = controlStandIn((request) => answer(request, result(request.id, { uptime: 7 })));
  try {
    assert.equal(await callRpc(standIn.settings, ME, 'core.uptime', [], within(15_000)), { uptime: 7 });
    assert.equal(await callRpc(standIn.settings, ME, 'stats.fetch', ['all', 'x"y'], within(15_000)), {
      uptime: 7,
    });
    const [first, second] = standIn.requests.map(({ text }) => JSON.parse(text));
    assert.is(first.jsonrpc, '2.0');
    assert.is(first.method, 'core.uptime');
    assert.not.ok('params' in first);
    assert.equal(second.params, ['all', 'x"y']);
    assert.equal(standIn.leftovers(), []);
  } finally {
    standIn.close();
  }
});

test("only Kamailio's own user can write to the reply FIFO, whose name nobody can guess", async () => {
  const standIn = controlStandIn((request) => answer(request, result(request.id, {})));
  try {
    for (let round = 0; round < 10; round++)
      await callRpc(standIn.settings, OWNER, 'core.uptime', [], within(15_000));
    for (const { replyStat, replyName } of standIn.requests) {
      assert.ok(replyStat.isFIFO());
      assert.is(replyStat.mode & 0o7777, 0o600);
      if (ME.uid === 0) assert.equal([replyStat.uid, replyStat.gid], [OWNER.uid, OWNER.gid]);
      assert.match(replyName, /^kamailio_ocf_test_\d+_\d+_[0-9a-f]{24}$/);
    }
    assert.is(new Set(standIn.requests.map(({ replyName }) => replyName)).size, 10);
    assert.ok(new Set(standIn.requests.map(({ id }) => id)).size > 1);
    assert.equal(standIn.leftovers(), []);
  } finally {
    standIn.close();
  }
});

test('a FIFO that nobody reads is known at once', async () => {
  assert.match(
    await failureAt((fifo) => makeFifo(fifo)),
    /nobody reads the FIFO .*modparam\("jsonrpcs", "fifo_name", /,
  );
});

test('a missing FIFO is told with the modparam that makes it', async () => {
  assert.match(
    await failureAt(() => {}),
    /does not exist; load jsonrpcs\.so .*modparam\("jsonrpcs", "fifo_name", /,
  );
});

test('a regular file in the place of the FIFO is refused and stays as it is', async () => {
  let path = '';
  const text = await failureAt((fifo) => {
    path = fifo;
    writeFileSync(fifo, '');
  });
  assert.ok(text.startsWith(`${path} is no FIFO; `), text);
  const standIn = controlStandIn();
  try {
    writeFileSync(standIn.settings.fifo, '');
    await failure(standIn);
    assert.is(statSync(standIn.settings.fifo).size, 0);
  } finally {
    standIn.close();
  }
});

test('a symbolic link in the place of the FIFO is not followed', async () => {
  const text = await failureAt((fifo, directory) => {
    makeFifo(`${directory}/real.fifo`);
    symlinkSync(`${directory}/real.fifo`, fifo);
  });
  assert.match(text, /is a symbolic link; /);
});

test('a directory in the place of the FIFO is told as such', async () => {
  assert.match(await failureAt((fifo) => mkdirSync(fifo)), /is a directory; /);
});

test('a path that leads through a file is a missing FIFO', async () => {
  const standIn = controlStandIn();
  try {
    writeFileSync(`${standIn.directory}/file`, '');
    const settings = { ...standIn.settings, fifo: `${standIn.directory}/file/rpc.fifo` };
    assert.match(await failure({ ...standIn, settings }), /does not exist/);
  } finally {
    standIn.close();
  }
});

test('a reader that never answers is given up at the deadline', async () => {
  assert.match(await failureWith(() => {}, 300), /no reply to core\.uptime over .*; .*restart the resource/);
});

test('a reader that opens the reply FIFO and closes it without a word is no reply', async () => {
  await failureWith((request) => answer(request, ''), 300);
});

test('a reply that is no JSON is shown, made harmless', async () => {
  for (const reply of ['500 \u001b[2Jno\nsuch method', '[]', '7', 'null', '{"jsonrpc":', '\0\0\xff']) {
    const text = await failureWith((request) => answer(request, reply));
    assert.match(text, /is no JSON: /);
    assert.not.match(text, /\p{Cc}/u);
  }
});

test('a reply with another id is not taken', async () => {
  for (const id of [(id: number) => id + 1, String, () => null, () => undefined]) {
    const text = await failureWith((request) =>
      answer(request, JSON.stringify({ jsonrpc: '2.0', result: { uptime: 7 }, id: id(request.id) })),
    );
    assert.match(text, /answers another request: /);
  }
});

test('a reply without a result is not taken', async () => {
  assert.match(
    await failureWith((request) => answer(request, JSON.stringify({ jsonrpc: '2.0', id: request.id }))),
    /answers another request/,
  );
});

test("Kamailio's error is shown", async () => {
  const error = { code: 404, message: 'Method Not Found\n' };
  const text = await failureWith((request) =>
    answer(request, JSON.stringify({ jsonrpc: '2.0', error, id: request.id })),
  );
  assert.match(text, /core\.uptime over .* was answered with an error: .*404.*Method Not Found/);
});

test('a reply of 10 MB is cut off', async () => {
  const text = await failureWith((request) => answer(request, Buffer.alloc(10_000_000, 'x')));
  assert.match(text, /longer than 262144 bytes/);
});

test('a reply that comes in pieces is put together', async () => {
  const standIn = controlStandIn((request) => answer(request, result(request.id, 'x'.repeat(200_000))));
  try {
    assert.is(await callRpc(standIn.settings, ME, 'core.uptime', [], within(15_000)), 'x'.repeat(200_000));
    assert.equal(standIn.leftovers(), []);
  } finally {
    standIn.close();
  }
});

test('a reply directory that does not exist is told as such', async () => {
  const standIn = controlStandIn(() => {});
  try {
    const settings = { ...standIn.settings, replyDirectory: '/nonexistent/tmp' };
    assert.match(
      await failure({ ...standIn, settings }),
      /the directory \/nonexistent\/tmp for Kamailio's replies cannot be used \(ENOENT\); .*RPCFIFOREPLYDIR/,
    );
  } finally {
    standIn.close();
  }
});

const isRoot = ME.uid === 0;

(isRoot ? test : test.skip)(
  "in a directory that is root's alone root makes the FIFO and gives it away",
  async () => {
    const standIn = controlStandIn((request) => answer(request, result(request.id, { uptime: 7 })));
    try {
      chmodSync(standIn.settings.replyDirectory, 0o755);
      await callRpc(standIn.settings, OWNER, 'core.uptime', [], within(15_000));
      const [request] = standIn.requests;
      assert.equal([request?.replyStat.uid, request?.replyStat.gid], [OWNER.uid, OWNER.gid]);
      assert.is(Number(request?.replyStat.mode) & 0o7777, 0o600);
      assert.equal(standIn.leftovers(), []);
    } finally {
      standIn.close();
    }
  },
);

(isRoot ? test : test.skip)(
  "in another account's directory root makes nothing, and says whose it is not",
  async () => {
    const standIn = controlStandIn(() => {});
    try {
      chmodSync(standIn.settings.replyDirectory, 0o755);
      chownSync(standIn.settings.replyDirectory, OWNER.uid + 1, OWNER.gid);
      const asked = callRpc(standIn.settings, OWNER, 'core.uptime', [], within(15_000));
      const seen = await asked.then(() => 'answered', String);
      assert.match(
        seen,
        /cannot be made in \S+ \(Permission denied\); .* closed to Kamailio's account \(uid 65534\)/,
      );
      assert.equal(standIn.leftovers(), []);
    } finally {
      standIn.close();
    }
  },
);

test('names leave room for the longest path that Kamailio can open', () => {
  for (const directory of ['/tmp', `/${'d'.repeat(40)}`, `/${'d'.repeat(70)}`]) {
    const name = newReplyFifoName(replyFifoPrefix(directory, `/run/${'x'.repeat(200)}/kamailio.pid`));
    assert.match(name, /^\w+$/);
    assert.ok(`${directory}/${name}`.length <= 127, name);
  }
});

test('a FIFO that is full of requests is told as such', async () => {
  const standIn = controlStandIn();
  try {
    makeFifo(standIn.settings.fifo);
    const release = fillFifo(standIn.settings.fifo);
    try {
      assert.match(await failure(standIn), /takes no more requests \(EAGAIN\); .*restart the resource/);
    } finally {
      release();
    }
  } finally {
    standIn.close();
  }
});

test.run();
