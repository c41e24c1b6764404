import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Deadline } from '../../src/lifetime/deadline.ts';
import { awaitLock, lockAddress, takeLock, tryLock } from '../../src/process/lock.ts';
import { within } from '../support/deadline.ts';
import { withLockHolder } from '../support/lock-holder.ts';

/** A deadline that has not come, and one that has. */
const soon = () => within(10_000);
const over = () => Deadline.sinceStart(0);
const silent = () => {};
const path = (name: string) => `/run/kamailio_ocfk_lock_${process.pid}_${name}/kamailio.pid`;

test('each instance has a lock of its own, on an address that nobody else uses', () => {
  const addresses = Array.from({ length: 1000 }, (_, number) => lockAddress(path(String(number))).address);
  assert.is(new Set(addresses).size, addresses.length);
  for (const address of addresses) {
    const [first, second] = address.split('.').map(Number);
    assert.is(first, 127);
    // 127.0.x.x has localhost, and resolvers of the DNS.
    assert.ok(second !== undefined && second >= 1 && second <= 254, address);
  }
});

test('a lock that nobody holds is had at once, also after the deadline', async () => {
  assert.is(await awaitLock(path('free'), over(), silent), undefined);
  assert.is(await takeLock(path('free'), over(), silent), undefined);
});

test('a lock stays with the process that took it', async () => {
  const pidfile = path('kept');
  const waited: string[] = [];
  assert.is(await takeLock(pidfile, soon(), silent), undefined);
  const holder = new RegExp(`^pid ${process.pid} \\(`);
  assert.match((await awaitLock(pidfile, over(), (other) => waited.push(other))) ?? '', holder);
  assert.match((await takeLock(pidfile, over(), (other) => waited.push(other))) ?? '', holder);
  assert.is(waited.length, 2);
});

test('who goes on in any case has the lock if it is free, and is not told if it is not', async () => {
  const pidfile = path('tried');
  tryLock(pidfile);
  tryLock(pidfile);
  assert.match((await awaitLock(pidfile, over(), silent)) ?? '', new RegExp(`^pid ${process.pid} \\(`));
});

test('who waits has the lock as soon as its holder is killed', async () => {
  const pidfile = path('waited');
  await withLockHolder(lockAddress(pidfile), [], async (holder) => {
    let waitedFor = '';
    const free = await takeLock(pidfile, soon(), (other) => {
      waitedFor = other;
      void holder.kill();
    });
    assert.is(free, undefined);
    assert.match(waitedFor, new RegExp(`^pid ${holder.pid} \\(`));
  });
});

test.run();
