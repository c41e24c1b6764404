import type { Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pollTarget } from '../../src/sip-probe/poll.ts';
import { within } from '../support/deadline.ts';
import { freePort } from '../support/ports.ts';
import { complaint, pollStandIn, SOON_MS } from './support.ts';

/** What the agent says of a socket without TLS that treats the first message of the handshake so. */
async function complaintAbout(
  onHandshake: (hello: string, connection: Socket) => void,
  ms = SOON_MS,
): Promise<string> {
  return complaint((await pollStandIn(onHandshake, { ms, transport: 'tls' })).outcome);
}

test('a socket without TLS is told as such, whether it keeps silent, closes or resets the connection', async () => {
  assert.match(await complaintAbout(() => {}, 500), /^no answer to the TLS handshake; .*not a tcp one/);
  const closed = /^the connection was closed in the TLS handshake; .*not a tcp one/;
  assert.match(await complaintAbout((_hello, connection) => connection.end()), closed);
  assert.match(await complaintAbout((_hello, connection) => connection.resetAndDestroy()), closed);
});

test('an answer that is no TLS is told with its error', async () => {
  const text = await complaintAbout((_hello, connection) =>
    connection.write('SIP/2.0 400 Bad Request\r\n\r\n'),
  );
  assert.match(text, /^the TLS handshake failed \(E\w+\); is this a tls socket of Kamailio/);
});

test('a socket that nobody listens on is refused before any handshake', async () => {
  const target = { transport: 'tls', address: '127.0.0.1', port: await freePort() } as const;
  assert.match(complaint(await pollTarget(target, 'monitor', within(SOON_MS))), /^nobody listens there/);
});

test.run();
