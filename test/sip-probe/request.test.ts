import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { composeOptions } from '../../src/sip-probe/request.ts';
import type { Target } from '../../src/sip-probe/target.ts';

const LOCAL = { address: '192.0.2.2', port: 40_000 };
const LINK_LOCAL = { address: 'fe80::2%eth0', port: 40_000 };
const LOCAL6 = { address: '2001:db8::2', port: 40_000 };

const CASES: [Target, string, typeof LOCAL][] = [
  [{ transport: 'udp', address: '192.0.2.1', port: 5060 }, 'monitor', LOCAL],
  [{ transport: 'tcp', address: '192.0.2.1', port: 5080 }, '', LOCAL],
  [{ transport: 'udp', address: '2001:db8::1', port: 5060 }, 'a;b', LOCAL6],
  [{ transport: 'tcp', address: '2001:db8::1', port: 5060 }, 'monitor', LOCAL6],
];

function linesOf(target: Target, user: string, local: typeof LOCAL): string[] {
  return composeOptions(target, user, local).bytes.toString('latin1').split('\r\n');
}

test('every header that RFC 3261 §8.1.1 demands is there, once', () => {
  for (const [target, user, local] of CASES) {
    const lines = linesOf(target, user, local);
    for (const name of ['To', 'From', 'CSeq', 'Call-ID', 'Max-Forwards', 'Via']) {
      assert.is(lines.filter((line) => line.startsWith(`${name}: `)).length, 1, name);
    }
  }
});

test('no header comes twice and the message ends with an empty line', () => {
  for (const [target, user, local] of CASES) {
    const lines = linesOf(target, user, local);
    const names = lines.slice(1, -2).map((line) => line.split(':')[0]?.toLowerCase());
    assert.is(new Set(names).size, names.length);
    assert.equal(lines.slice(-2), ['', '']);
    for (const line of lines.slice(1, -2)) assert.match(line, /^[A-Za-z-]+: \S.*\S$|^[A-Za-z-]+: \S$/);
  }
});

test('the Request-URI and To name the polled user and socket, IPv6 in brackets', () => {
  const uris = [
    'sip:monitor@192.0.2.1:5060',
    'sip:192.0.2.1:5080',
    'sip:a;b@[2001:db8::1]:5060',
    'sip:monitor@[2001:db8::1]:5060',
  ];
  for (const [index, [target, user, local]] of CASES.entries()) {
    const lines = linesOf(target, user, local);
    assert.is(lines[0], `OPTIONS ${uris[index]} SIP/2.0`);
    assert.ok(lines.includes(`To: <${uris[index]}>`));
  }
});

test('no line names a zone: it says something on this node alone', () => {
  const lines = linesOf({ transport: 'tcp', address: 'fe80::1%eth0', port: 5060 }, 'monitor', LINK_LOCAL);
  assert.is(lines[0], 'OPTIONS sip:monitor@[fe80::1]:5060 SIP/2.0');
  assert.ok(lines.some((line) => line.startsWith('Via: SIP/2.0/TCP [fe80::2]:40000;')));
  assert.not.match(lines.join(), /%/);
});

test('Via names the transport and the local socket, asks for rport, and its branch begins with the magic cookie', () => {
  for (const [target, user, local] of CASES) {
    const via = linesOf(target, user, local).find((line) => line.startsWith('Via: ')) ?? '';
    const host = local.address.includes(':') ? `[${local.address}]` : local.address;
    assert.ok(via.startsWith(`Via: SIP/2.0/${target.transport.toUpperCase()} ${host}:40000;`), via);
    assert.match(via, /;rport(;|$)/);
    assert.match(via, /;branch=z9hG4bK[0-9a-f]{30}$/);
  }
});

test('From has a tag, To has none, CSeq names the method, Max-Forwards is 70', () => {
  for (const [target, user, local] of CASES) {
    const lines = linesOf(target, user, local);
    assert.ok(lines.some((line) => /^From: <sip:[^>]+>;tag=[0-9a-f]{30}$/.test(line)));
    assert.not.ok(lines.some((line) => /^To: .*tag=/.test(line)));
    assert.ok(lines.includes('CSeq: 1 OPTIONS'));
    assert.ok(lines.includes('Max-Forwards: 70'));
    assert.ok(lines.includes('Content-Length: 0'));
  }
});

test('branch, tag and Call-ID are new in every request and of 120 random bits', () => {
  const seen = new Set<string>();
  for (let round = 0; round < 1000; round++) {
    const text = linesOf({ transport: 'udp', address: '192.0.2.1', port: 5060 }, '', LOCAL).join('\n');
    const tokens = text.match(/[0-9a-f]{30}/g) ?? [];
    assert.is(tokens.length, 3);
    for (const token of tokens) seen.add(token);
  }
  assert.is(seen.size, 1000);
});

test.run();
