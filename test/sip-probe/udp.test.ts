import { createSocket } from 'node:dgram';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pollTarget } from '../../src/sip-probe/poll.ts';
import { within } from '../support/deadline.ts';
import { freePort } from '../support/ports.ts';
import { complaint, replyTo, SOON_MS, udpStandIn } from './support.ts';

test('a server that loses the first two datagrams is healthy, and gets the same request again', async () => {
  const server = await udpStandIn((request, count, answer) => {
    if (count > 2) answer(replyTo(request));
  });
  try {
    const outcome = await pollTarget(server.target, 'monitor', within(SOON_MS));
    assert.ok(outcome.healthy);
    assert.is(server.requests.length, 3);
    assert.is(new Set(server.requests).size, 1);
  } finally {
    await server.close();
  }
});

test('a server that answers after the deadline is not healthy', async () => {
  let late: (() => void) | undefined;
  const server = await udpStandIn((request, _count, answer) => {
    late ??= () => answer(replyTo(request));
  });
  try {
    const outcome = await pollTarget(server.target, 'monitor', within(300));
    late?.();
    assert.match(complaint(outcome), /^no answer to OPTIONS within [0-9.]+ s; .*workers/);
  } finally {
    await server.close();
  }
});

test('provisional replies are waited out', async () => {
  const server = await udpStandIn((request, _count, answer) => {
    answer(replyTo(request, 'SIP/2.0 100 Trying'));
    answer(replyTo(request, 'SIP/2.0 180 Ringing'));
    answer(replyTo(request));
  });
  try {
    const outcome = await pollTarget(server.target, 'monitor', within(SOON_MS));
    assert.ok(outcome.healthy && outcome.reply.status === 200);
  } finally {
    await server.close();
  }
});

test('only provisional replies are no answer', async () => {
  const server = await udpStandIn((request, _count, answer) =>
    answer(replyTo(request, 'SIP/2.0 100 Trying')),
  );
  try {
    assert.match(complaint(await pollTarget(server.target, 'monitor', within(300))), /no answer/);
  } finally {
    await server.close();
  }
});

test("strangers' replies, noise and requests are waited out", async () => {
  const server = await udpStandIn((request, _count, answer) => {
    answer('');
    answer(Buffer.from([0, 255, 13, 10, 13, 10, 128]));
    answer(request);
    answer(replyTo(request, 'SIP/2.0 503 Not yours', { 'Call-ID': 'other' }));
    answer(replyTo(request, 'SIP/2.0 503 Not yours', { CSeq: '2 OPTIONS' }));
    answer(replyTo(request, 'SIP/2.0 503 Not yours', { Via: 'SIP/2.0/UDP x;branch=z9hG4bKother' }));
    answer(replyTo(request));
  });
  try {
    assert.ok((await pollTarget(server.target, 'monitor', within(SOON_MS))).healthy);
  } finally {
    await server.close();
  }
});

test('a reply from another socket than the polled one is not taken', async () => {
  const stranger = createSocket('udp4');
  const server = await udpStandIn((request) => {
    const port = Number(/^Via: .*?:(\d+);/m.exec(request)?.[1]);
    stranger.send(replyTo(request), port, '127.0.0.1');
  });
  try {
    assert.match(complaint(await pollTarget(server.target, 'monitor', within(300))), /no answer/);
  } finally {
    stranger.close();
    await server.close();
  }
});

test('replies that come more than once do no harm', async () => {
  const server = await udpStandIn((request, _count, answer) => {
    for (let copy = 0; copy < 30; copy++) answer(replyTo(request));
  });
  try {
    for (let round = 0; round < 50; round++) {
      assert.ok((await pollTarget(server.target, 'monitor', within(SOON_MS))).healthy);
    }
  } finally {
    await server.close();
  }
});

test('a port that nobody listens on is told as refused', async () => {
  for (const address of ['127.0.0.1', '::1']) {
    const target = { transport: 'udp', address, port: await freePort() } as const;
    assert.match(complaint(await pollTarget(target, 'monitor', within(SOON_MS))), /refused.*listen lines/);
  }
});

test('IPv6 is polled', async () => {
  const server = await udpStandIn((request, _count, answer) => answer(replyTo(request)), '::1');
  try {
    assert.ok((await pollTarget(server.target, 'monitor', within(SOON_MS))).healthy);
    assert.match(
      server.requests[0] ?? '',
      /^OPTIONS sip:monitor@\[::1\]:\d+ SIP\/2\.0\r\nVia: SIP\/2\.0\/UDP \[::1\]:/,
    );
  } finally {
    await server.close();
  }
});

test.run();
