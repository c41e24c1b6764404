import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pollTarget } from '../../src/sip-probe/poll.ts';
import { within } from '../support/deadline.ts';
import { complaint, SOON_MS } from './support.ts';

test('an address that a socket cannot be connected to is told, not thrown', async () => {
  // Linux refuses to connect a socket to the broadcast address (EACCES) before anything is sent.
  const target = { transport: 'udp', address: '255.255.255.255', port: 5060 } as const;
  assert.match(complaint(await pollTarget(target, 'monitor', within(SOON_MS))), /EACCES/);
});

test.run();
