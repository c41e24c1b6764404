import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { now } from '../../src/lifetime/clock.ts';
import { Deadline } from '../../src/lifetime/deadline.ts';

const ROUNDS = 200;

test('a deadline has passed when a timer that was set for it comes, early though it may be', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    // Spread over the parts of a millisecond, which timers do not count.
    const deadline = Deadline.sinceStart(now() + 3 + round / ROUNDS);
    await new Promise((resolve) => setTimeout(resolve, deadline.remaining));
    assert.ok(deadline.passed, `${deadline.remaining} ms were left`);
  }
});

test('a deadline that is ahead has not passed', () => {
  const deadline = Deadline.sinceStart(now() + 60_000);
  assert.not(deadline.passed);
  assert.ok(deadline.remaining > 50_000);
  assert.not(deadline.earlier(5000).passed);
  assert.ok(deadline.earlier(120_000).passed);
  assert.is(deadline.earlier(120_000).remaining, 0);
});

test.run();
