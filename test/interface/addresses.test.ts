import { isIP } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { address, optionalAddress } from '../../src/interface/address.ts';

test('IPv4 and IPv6 literals are taken as they are', () => {
  for (const text of [
    '0.0.0.0',
    '127.0.0.1',
    '192.0.2.10',
    '255.255.255.255',
    '::',
    '::1',
    '2001:db8::1',
    '2001:DB8:0:0:0:0:0:1',
    '::ffff:192.0.2.1',
    'fe80::1',
  ]) {
    assert.is(address(text), text);
  }
});

test('brackets around an IPv6 literal are taken away', () => {
  assert.is(address('[2001:db8::1]'), '2001:db8::1');
});

test('a host name is refused and said not to be looked up', () => {
  for (const text of ['localhost', 'sip.example.org', 'a', '', 'ip6-localhost', '1', '2130706433']) {
    assert.throws(() => address(text), /host names are not looked up/, text);
  }
});

test('an address with a port is refused and the parameter for it named', () => {
  for (const text of ['192.0.2.1:5060', '[2001:db8::1]:5060']) {
    assert.throws(() => address(text), /`port`/, text);
  }
});

test('a link-local address may have a zone, no other address may', () => {
  for (const text of ['fe80::1%eth0', 'FE80::a:b%br-lan.100', 'febf::1%2', 'fe80::1%a_b'])
    assert.is(address(text), text);
  assert.is(address('[fe80::1%eth0]'), 'fe80::1%eth0');
  for (const text of [
    '2001:db8::1%eth0',
    '127.0.0.1%lo',
    '::1%lo',
    'fe80::1%',
    'fe80::1%a%b',
    'fe80::1%a/b',
    'fe80::1%a b',
    'fe80::1%longer_than_an_if',
    'fe80::x%eth0',
    '%eth0',
  ])
    assert.throws(() => address(text), /is no link-local address with a zone/, text);
});

test('what only looks like an address is refused', () => {
  for (const text of [
    '1.2.3',
    '1.2.3.4.5',
    '256.0.0.1',
    '01.2.3.4',
    '0x7f.0.0.1',
    ' 127.0.0.1',
    '127.0.0.1 ',
    '127.0.0.1\n',
    '1::2::3',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    '::1.2.3.04',
    '::1.2.3',
    '[::1',
    '::1]',
    '[[::1]]',
    '٣.1.1.1',
    'udp:127.0.0.1',
  ]) {
    assert.throws(() => address(text), undefined, text);
  }
});

test('empty is an address only where it stands for another', () => {
  assert.is(optionalAddress(''), '');
  assert.throws(() => optionalAddress('x'));
});

test('the verdict on 20,000 generated texts is that of node:net', () => {
  const pieces = [
    '0',
    '1',
    '9',
    '25',
    '255',
    '256',
    'f',
    'ffff',
    'abcde',
    ':',
    ':',
    ':',
    '::',
    '.',
    '.',
    'g',
  ];
  let state = 20_261;
  const next = (limit: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  for (let round = 0; round < 20_000; round++) {
    const shape = next(3);
    const text =
      shape === 0
        ? Array.from({ length: 1 + next(9) }, () => pieces[next(pieces.length)]).join('')
        : Array.from({ length: shape === 1 ? 4 : 3 + next(6) }, () => pieces[next(9)]).join(
            shape === 1 ? '.' : ':',
          );
    let taken = true;
    try {
      address(text);
    } catch {
      taken = false;
    }
    assert.is(taken, isIP(text) !== 0, text);
  }
});

test.run();
