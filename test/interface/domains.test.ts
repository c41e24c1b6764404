import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as values from '../../src/interface/domains.ts';

test('a port is a number from 1 to 65535 in plain digits', () => {
  for (const text of ['1', '5060', '05060', '65535']) assert.is(values.port(text), Number(text));
  for (const text of [
    '',
    '0',
    '-1',
    '+5060',
    '65536',
    '70000',
    '5060 ',
    ' 5060',
    '5e3',
    '0x13c4',
    '5060.0',
    '٥',
    'sip',
  ]) {
    assert.throws(() => values.port(text), /1 to 65535/, text);
  }
});

test('proto has six values and no other, in small letters', () => {
  const known = ['udp', 'tcp', 'udptcp', 'conf_udp', 'conf_tcp', 'conf_udptcp'];
  assert.equal([...values.PROTOS], known);
  for (const text of known) assert.is(values.proto(text), text);
  for (const text of ['', 'UDP', 'sctp', 'tls', 'udp ', 'udp,tcp', 'conf_', 'constructor']) {
    assert.throws(() => values.proto(text), /udp, tcp, udptcp, conf_udp, conf_tcp, conf_udptcp/, text);
  }
});

test('a path is absolute, of a bearable length and free of control characters', () => {
  for (const text of ['/', '/etc/kamailio/kamailio.cfg', '/a b/$(c);d', '/ä', `/${'x'.repeat(4094)}`]) {
    assert.is(values.absolutePath(text), text);
  }
  assert.throws(() => values.absolutePath(''), /absolute/);
  assert.throws(() => values.absolutePath('etc/kamailio.cfg'), /absolute/);
  assert.throws(() => values.absolutePath('~/kamailio.cfg'), /absolute/);
  for (const control of ['\n', '\r', '\t', '\0', '\u001b', '\u007f', '\u0085']) {
    assert.throws(() => values.absolutePath(`/a${control}b`), /control character/);
  }
  assert.throws(() => values.absolutePath(`/${'x'.repeat(4095)}`), /4095 bytes/);
  assert.throws(() => values.absolutePath(`/${'ä'.repeat(2048)}`), /4095 bytes/);
});

test('a path that may be absent may be empty', () => {
  assert.is(values.optionalPath(''), '');
  assert.throws(() => values.optionalPath('x'));
});

test('an account is a name that useradd would take, a number, or empty', () => {
  for (const text of ['', 'kamailio', '_sip', 'Kam-ailio.2', 'host$', '0', '4294967294']) {
    assert.is(values.accountName(text), text);
  }
  for (const text of [
    '-u',
    '-',
    'a b',
    'a:b',
    'a/b',
    '$(id)',
    'a\n',
    '1a',
    '12345678901',
    'x'.repeat(40),
    'ä',
  ]) {
    assert.throws(() => values.accountName(text), /account/, text);
  }
});

test('an account may have a realm or a domain, and is still no option and only one word', () => {
  for (const text of [
    'sip@example.org',
    'sip@EXAMPLE',
    'DOMAIN\\sip',
    'corp.example.org\\sip',
    '3com\\sip$',
  ]) {
    assert.is(values.accountName(text), text);
  }
  for (const text of [
    '-u@example.org',
    '-DOMAIN\\sip',
    '--help\\sip',
    'DOMAIN\\-u',
    'sip@-x',
    'sip@',
    '@example.org',
    '\\sip',
    'DOMAIN\\',
    'a\\b\\c',
    'a@b@c',
    'DOMAIN\\two words',
    'sip@exa mple',
    'sip@a:b',
    'sip@a/b',
    'sip@a\n',
    'DOMAIN\n\\sip',
    `sip@${'x'.repeat(300)}`,
  ]) {
    assert.throws(() => values.accountName(text), /account/, text);
  }
});

test('a SIP user holds nothing that could end the URI or the line', () => {
  for (const text of ['', 'monitor', '+49-30(1)', 'a;b=c', "o'hara*"]) assert.is(values.sipUser(text), text);
  for (const text of ['a@b', 'a b', 'a>', '<a', 'a\r\nVia: x', 'a:b', 'a"b', 'ä', '%zz', 'x'.repeat(129)]) {
    assert.throws(() => values.sipUser(text), /SIP URI/, text);
  }
});

test.run();
