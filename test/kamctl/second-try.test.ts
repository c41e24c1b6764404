import { closeSync, constants, lstatSync, openSync, writeSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { callRpc } from '../../src/kamctl/rpc.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { within } from '../support/deadline.ts';
import { until } from '../support/instance.ts';
import { answer, type ControlStandIn, controlStandIn, type Request } from './support.ts';

const ME = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };

/** What an old script writes into the FIFO of today's Kamailio: its next request is not understood. */
const STRAY_LINES = [
  'get_statistics all',
  ':ul_dump:old_reply_fifo',
  "an open quote isn't closed",
  'an open "quote',
  '{"method": "core.uptime"',
  '{"method": {{{{ "core.uptime',
  'blanks and then an open quote "'.padStart(6000),
] as const;

function writeLine(fifo: string, line: string): void {
  const fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
  writeSync(fd, `${line}\n`);
  closeSync(fd);
}

for (const line of STRAY_LINES) {
  test(`a stray line in the FIFO of a real Kamailio fails no monitor: ${line.trim()}`, () =>
    withInstance({}, async (instance) => {
      assertCall(await call(instance, 'start'), 0);
      const params = { probe_timeout: '4' };
      writeLine(instance.fifo, line);
      assertCall(await call(instance, 'monitor', params), 0);
      // The second try has left nothing that would spoil the one after it.
      assertCall(await call(instance, 'monitor', { probe_timeout: '30' }, { limitMs: 14_000 }), 0);
      assertCall(await call(instance, 'stop'), 0);
    }));
}

const reply = (request: Request, uptime: number) =>
  answer(request, JSON.stringify({ jsonrpc: '2.0', result: { uptime }, id: request.id }));

/** Asks a stand-in that does this when the second request has come; returns what the answer was. */
async function askTwice(
  onSecond: (first: Request, second: Request) => void,
  body: (standIn: ControlStandIn, result: unknown) => void,
  leavesSpare = false,
): Promise<void> {
  let first: Request | undefined;
  const standIn = controlStandIn((request) => {
    if (first) onSecond(first, request);
    first = request;
  });
  try {
    const result = await callRpc(standIn.settings, ME, 'core.uptime', [], within(3000), leavesSpare);
    body(standIn, result);
  } finally {
    standIn.close();
  }
}

test('a request without a reply at half of the time is sent once more, with a new name and id', () =>
  askTwice(
    (_, second) => reply(second, 2),
    ({ requests, leftovers }, result) => {
      assert.equal(result, { uptime: 2 });
      assert.is(requests.length, 2);
      assert.is(new Set(requests.map(({ replyName }) => replyName)).size, 2);
      assert.is(new Set(requests.map(({ id }) => id)).size, 2);
      assert.equal(leftovers(), []);
    },
  ));

test('the first reply counts, too, when it comes late', () =>
  askTwice(
    (first) => reply(first, 1),
    ({ leftovers }, result) => {
      assert.equal(result, { uptime: 1 });
      assert.equal(leftovers(), []);
    },
  ));

test('a reply to each of the two requests spoils nothing, and one FIFO is spare afterwards', () =>
  askTwice(
    (first, second) => {
      reply(second, 2);
      reply(first, 1);
    },
    ({ leftovers, settings }, result) => {
      assert.ok(['{"uptime":1}', '{"uptime":2}'].includes(JSON.stringify(result)), JSON.stringify(result));
      assert.equal(leftovers(), ['spare']);
      assert.ok(lstatSync(settings.spareFifo).isFIFO());
    },
    true,
  ));

test('a reply that has begun when the second request is sent is read to its end', async () => {
  const standIn = controlStandIn((request) => {
    if (standIn.requests.length > 1) return;
    const text = JSON.stringify({ jsonrpc: '2.0', result: { uptime: 7 }, id: request.id });
    const fd = openSync(request.replyPath, constants.O_WRONLY | constants.O_NONBLOCK);
    writeSync(fd, text.slice(0, 20));
    const whole = () => {
      writeSync(fd, text.slice(20));
      closeSync(fd);
    };
    until(() => standIn.requests.length > 1, 'the second request has come').then(whole, whole);
  });
  try {
    const result = await callRpc(standIn.settings, ME, 'core.uptime', [], within(3000));
    assert.equal(result, { uptime: 7 });
    assert.equal(standIn.leftovers(), []);
  } finally {
    standIn.close();
  }
});

test.run();
