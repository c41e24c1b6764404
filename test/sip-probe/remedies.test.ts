import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pollTarget } from '../../src/sip-probe/poll.ts';
import { within } from '../support/deadline.ts';
import { complaint, replyTo, SOON_MS, tcpStandIn, udpStandIn } from './support.ts';

/** What the agent says of a server that answers with this start line. */
async function complaintAbout(start: string, user = 'monitor', transport: 'udp' | 'tcp' = 'udp') {
  const server =
    transport === 'udp'
      ? await udpStandIn((request, _count, answer) => answer(replyTo(request, start)))
      : await tcpStandIn((request, connection) => connection.write(replyTo(request, start)));
  try {
    return complaint(await pollTarget(server.target, user, within(SOON_MS)));
  } finally {
    await server.close();
  }
}

test('a 404 shows the reply, the URI, and how to answer it or to ask for another user', async () => {
  for (const transport of ['udp', 'tcp'] as const) {
    const text = await complaintAbout('SIP/2.0 404 Not here', 'monitor', transport);
    assert.match(text, /^answers OPTIONS sip:monitor@127\.0\.0\.1:\d+ with 404 Not here; /);
    assert.match(text, /kamailio\.cfg must answer OPTIONS to sip:monitor@\S+ with 200/);
    assert.match(text, /metadata shows the lines.*probe_user/);
  }
});

test('a 404 without a user does not advise to leave the user out', async () => {
  const text = await complaintAbout('SIP/2.0 404 Not here', '');
  assert.match(text, /OPTIONS sip:127\.0\.0\.1:\d+ with 404/);
  assert.not.match(text, /probe_user/);
});

test('a 483 is explained as a request that is forwarded in circles', async () => {
  const text = await complaintAbout('SIP/2.0 483 Too Many Hops');
  assert.match(text, /with 483 Too Many Hops; .*before it forwards.*hops/);
});

test('a 503 points to the log', async () => {
  for (const start of ['SIP/2.0 503 Service Unavailable', 'SIP/2.0 500 x', 'SIP/2.0 603 Decline']) {
    assert.match(
      await complaintAbout(start),
      /with [56]0[03] .*; Kamailio is in trouble or overloaded; see its log/,
    );
  }
});

test('other replies of the 200 class are not healthy', async () => {
  assert.match(await complaintAbout('SIP/2.0 202 Accepted'), /with 202 Accepted; only 200 counts/);
});

test('a hostile reason phrase is made harmless and short', async () => {
  const text = await complaintAbout(`SIP/2.0 404 \u001b[2Jx\u0007${'y'.repeat(5000)}`);
  assert.not.match(text, /\p{Cc}/u);
  assert.match(text, /with 404 \?\[2Jx\?y+\.\.\.; /);
  assert.ok(text.length < 600);
});

test.run();
