import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isSameAddress, isWildcard } from '../../src/text/socket-address.ts';

test('two ways to write an address are one address, two addresses are not', () => {
  for (const [one, other, same] of [
    ['::1', '0:0:0:0:0:0:0:1', true],
    ['2001:DB8::1', '2001:db8:0:0:0:0:0:1', true],
    ['::ffff:127.0.0.1', '127.0.0.1', true],
    ['::ffff:c000:20a', '192.0.2.10', true],
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.1', '127.0.0.2', false],
    ['::1', '127.0.0.1', false],
    ['::ffff:127.0.0.1', '127.0.0.2', false],
    ['fe80::1%eth0', 'FE80:0::1%eth0', true],
    ['fe80::1%eth0', 'fe80::1', true],
    ['fe80::1%eth0', 'fe80::1%eth1', false],
    ['fe80::1%eth0', 'fe80::2', false],
  ] as const) {
    assert.is(isSameAddress(one, other), same, `${one} ${other}`);
    assert.is(isSameAddress(other, one), same, `${other} ${one}`);
  }
});

test('only the addresses that stand for all are wildcards', () => {
  for (const all of ['0.0.0.0', '::', '0:0:0:0:0:0:0:0']) assert.ok(isWildcard(all), all);
  for (const one of ['127.0.0.1', '::1', '10.0.0.0', '2001:db8::']) assert.not.ok(isWildcard(one), one);
});

test.run();
