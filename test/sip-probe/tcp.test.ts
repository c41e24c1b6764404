import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pollTarget } from '../../src/sip-probe/poll.ts';
import { within } from '../support/deadline.ts';
import { freePort } from '../support/ports.ts';
import { complaint, pollStandIn, replyTo, SOON_MS, tcpStandIn } from './support.ts';

test('a 200 is healthy, over IPv4 and IPv6', async () => {
  for (const address of ['127.0.0.1', '::1']) {
    const { outcome } = await pollStandIn((request, connection) => connection.write(replyTo(request)), {
      address,
    });
    assert.ok(outcome.healthy);
  }
});

test('a reply in one-byte segments is put together', async () => {
  const { outcome } = await pollStandIn(async (request, connection) => {
    for (const character of `${replyTo(request, 'SIP/2.0 200 OK', { 'Content-Length': '4' })}body`) {
      await new Promise((resolve) => connection.write(character, resolve));
    }
  });
  assert.ok(outcome.healthy);
});

test('two replies in one segment are told apart: the provisional one is waited out', async () => {
  const { outcome } = await pollStandIn((request, connection) =>
    connection.write(
      `${replyTo(request, 'SIP/2.0 100 Trying', { 'Content-Length': '3' })}abc${replyTo(request)}`,
    ),
  );
  assert.ok(outcome.healthy);
});

test("keep-alives, strangers' replies and requests before the reply are passed over", async () => {
  const { outcome } = await pollStandIn((request, connection) =>
    connection.write(
      `\r\n\r\n${replyTo(request, 'SIP/2.0 503 Not yours', { 'Call-ID': 'other' })}\r\n${request}${replyTo(request)}`,
    ),
  );
  assert.ok(outcome.healthy);
});

test('a reply without Content-Length is taken', async () => {
  const { outcome } = await pollStandIn((request, connection) =>
    connection.write(replyTo(request).replace(/^Content-Length: .*\r\n/m, '')),
  );
  assert.ok(outcome.healthy);
});

test('a 200 whose body never ends is no answer', async () => {
  const { outcome } = await pollStandIn(
    (request, connection) => connection.write(replyTo(request, 'SIP/2.0 200 OK', { 'Content-Length': '10' })),
    { ms: 300 },
  );
  assert.match(complaint(outcome), /no answer/);
});

test('an endless reply is cut off at 64 KiB', async () => {
  let sent = 0;
  const { outcome } = await pollStandIn((_request, connection) => {
    const flood = () => {
      do sent += 16_384;
      while (connection.write('x'.repeat(16_384)) && !connection.destroyed && sent < 2 ** 28);
    };
    connection.on('drain', flood);
    flood();
  });
  assert.match(complaint(outcome), /did not end within 65536 bytes/);
  assert.ok(sent < 2 ** 28);
});

test('an endless stream of small messages ends with the deadline', async () => {
  const { outcome } = await pollStandIn(
    (_request, connection) => {
      const flood = () => {
        while (!connection.destroyed && connection.write('x\n\n'.repeat(1000)));
      };
      connection.on('drain', flood);
      flood();
    },
    { ms: 500 },
  );
  assert.match(complaint(outcome), /no answer/);
});

test('a server that accepts and says nothing is no answer, and the request is sent once', async () => {
  const { outcome, requests } = await pollStandIn(() => {}, { ms: 1200 });
  assert.match(complaint(outcome), /^no answer to OPTIONS within/);
  assert.is(requests.length, 1);
});

test('a server that answers after the deadline is not healthy', async () => {
  let late: (() => void) | undefined;
  const server = await tcpStandIn((request, connection) => {
    late = () => connection.write(replyTo(request));
  });
  try {
    const outcome = await pollTarget(server.target, 'monitor', within(300));
    late?.();
    assert.match(complaint(outcome), /no answer/);
  } finally {
    await server.close();
  }
});

test('a connection that is closed or reset without an answer is told as such', async () => {
  const closed = await pollStandIn((_request, connection) => connection.end());
  assert.match(complaint(closed.outcome), /closed without an answer/);
  const half = await pollStandIn((request, connection) => connection.end(replyTo(request).slice(0, 40)));
  assert.match(complaint(half.outcome), /closed without an answer/);
  const reset = await pollStandIn((_request, connection) => connection.resetAndDestroy());
  assert.match(complaint(reset.outcome), /reset/);
});

test('a reply right before the close counts', async () => {
  const { outcome } = await pollStandIn((request, connection) => connection.end(replyTo(request)));
  assert.ok(outcome.healthy);
});

test('a port that nobody listens on is told as refused', async () => {
  for (const address of ['127.0.0.1', '::1']) {
    const target = { transport: 'tcp', address, port: await freePort() } as const;
    assert.match(complaint(await pollTarget(target, 'monitor', within(SOON_MS))), /refused.*listen lines/);
  }
});

test.run();
