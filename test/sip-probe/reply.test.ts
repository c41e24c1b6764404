import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { answers, cutMessage, headOf, parseReply } from '../../src/sip-probe/reply.ts';
import { composeOptions } from '../../src/sip-probe/request.ts';
import { replyTo } from './support.ts';

const REQUEST = composeOptions({ transport: 'udp', address: '192.0.2.1', port: 5060 }, 'monitor', {
  address: '192.0.2.2',
  port: 40_000,
});
const TEXT = REQUEST.bytes.toString('latin1');
const REPLY = replyTo(TEXT, 'SIP/2.0 200 OK', { Server: 'kamailio (5.6)' });

function read(message: string) {
  return parseReply(headOf(Buffer.from(message, 'latin1')));
}

function isAnswer(message: string): boolean {
  const reply = read(message);
  return reply !== undefined && answers(reply, REQUEST);
}

test('a reply is read', () => {
  assert.equal(read(REPLY), {
    status: 200,
    phrase: 'OK',
    branch: REQUEST.branch,
    callId: REQUEST.callId,
    cseq: '1 OPTIONS',
    server: 'kamailio (5.6)',
  });
  assert.ok(isAnswer(REPLY));
});

test('folded headers are read as one line', () => {
  const folded = REPLY.replace(';branch=', '\r\n ;branch=')
    .replace('Call-ID: ', 'Call-ID:\r\n\t ')
    .replace('1 OPTIONS', '1\r\n   OPTIONS');
  assert.is.not(folded, REPLY);
  assert.ok(isAnswer(folded));
});

test('compact header names are understood', () => {
  const compact = REPLY.replace('Via:', 'v:')
    .replace('Call-ID:', 'i:')
    .replace('From:', 'f:')
    .replace('To:', 't:')
    .replace('Content-Length:', 'l:');
  assert.ok(isAnswer(compact));
});

test('header names in any case and blanks around the colon are understood', () => {
  assert.ok(
    isAnswer(REPLY.replace('Via:', 'VIA  :').replace('Call-ID:', 'call-id\t:  ').replace('CSeq:', 'cSEQ:')),
  );
});

test('line ends of LF alone are understood', () => {
  assert.ok(isAnswer(REPLY.replaceAll('\r\n', '\n')));
});

test('the branch is found with blanks around its equals sign, in any place and case of the name', () => {
  const via = (text: string) => REPLY.replace(/^Via: .*$/m, `Via: ${text}`);
  const { branch } = REQUEST;
  assert.ok(isAnswer(via(`SIP/2.0/UDP 192.0.2.2:40000 ; branch = ${branch} ;rport=40000`)));
  assert.ok(isAnswer(via(`SIP/2.0/UDP 192.0.2.2;rport;BRANCH=${branch}`)));
  assert.ok(isAnswer(via(`SIP/2.0/UDP 192.0.2.2;branch=${branch}, SIP/2.0/UDP 192.0.2.3;branch=z9hG4bKx`)));
});

test('only the topmost Via counts', () => {
  const other = 'SIP/2.0/UDP 192.0.2.3;branch=z9hG4bKother';
  assert.not.ok(isAnswer(REPLY.replace('Via: ', `Via: ${other}\r\nVia: `)));
  assert.not.ok(isAnswer(REPLY.replace('Via: ', `Via: ${other}, `)));
  assert.ok(isAnswer(REPLY.replace('From: ', `Via: ${other}\r\nFrom: `)));
});

test('a reply answers only with branch, Call-ID and CSeq of the request, each to the letter', () => {
  const changes: [string | RegExp, string][] = [
    [REQUEST.branch, REQUEST.branch.slice(0, -1)],
    [REQUEST.branch, `${REQUEST.branch}0`],
    [REQUEST.branch, REQUEST.branch.toUpperCase()],
    [REQUEST.callId, `${REQUEST.callId}@192.0.2.2`],
    [REQUEST.callId, REQUEST.callId.toUpperCase()],
    ['1 OPTIONS', '2 OPTIONS'],
    ['1 OPTIONS', '1 INVITE'],
    ['1 OPTIONS', '11 OPTIONS'],
    ['1 OPTIONS', '1 options'],
    ['1 OPTIONS', 'OPTIONS'],
    [/^Via: .*\r\n/m, ''],
    [/^Call-ID: .*\r\n/m, ''],
    [/^CSeq: .*\r\n/m, ''],
    [/;branch=[^;\r]*/, ''],
  ];
  for (const [from, to] of changes) {
    const changed = REPLY.replace(from, to);
    assert.is.not(changed, REPLY);
    assert.not.ok(isAnswer(changed), String(to));
  }
});

test('what is no SIP reply is none', () => {
  for (const start of [
    'OPTIONS sip:x SIP/2.0',
    'HTTP/1.1 200 OK',
    'SIP/2.0 2000 OK',
    'SIP/2.0 20 OK',
    'SIP/2.0 700 Beyond',
    'SIP/2.0 099 Below',
    'SIP/2.0  200 OK',
    'SIP/2.0 200OK',
    'SIP/3.0 200 OK',
    ' SIP/2.0 200 OK',
    'SIP/2.0 2e2 OK',
    '',
  ]) {
    assert.is(read(REPLY.replace('SIP/2.0 200 OK', start)), undefined, start);
  }
  assert.is(read(TEXT), undefined);
  assert.is(read(''), undefined);
});

test('a reason phrase may be missing or in any language', () => {
  assert.is(read(REPLY.replace('200 OK', '200 '))?.phrase, '');
  assert.is(read(REPLY.replace('200 OK', '200'))?.phrase, '');
  assert.is(read(REPLY.replace('200 OK', '200 Alles in Ordnung: 1'))?.phrase, 'Alles in Ordnung: 1');
});

test('what stands behind the empty line is body and no header', () => {
  const [head] = REPLY.split('\r\n\r\n');
  const moved = `${head?.replace(/^Call-ID: .*\r\n/m, '')}\r\n\r\nCall-ID: ${REQUEST.callId}\r\n\r\n`;
  assert.not.ok(isAnswer(moved));
});

test('two messages in one piece are cut apart, bodies included', () => {
  const withBody = replyTo(TEXT, 'SIP/2.0 100 Trying', { 'Content-Length': '7' });
  const first = cutMessage(Buffer.from(`\r\n\r\n${withBody}v=0\r\n\r\n${REPLY}`, 'latin1'));
  assert.is(parseReply(first?.head ?? '')?.status, 100);
  const second = cutMessage(first?.rest ?? Buffer.alloc(0));
  assert.is(parseReply(second?.head ?? '')?.status, 200);
  assert.is(second?.rest.length, 0);
});

test('a message is cut only when all of it is there', () => {
  const whole = Buffer.from(`${replyTo(TEXT, 'SIP/2.0 200 OK', { 'Content-Length': '4' })}body`, 'latin1');
  for (let length = 0; length < whole.length; length++) {
    assert.is(cutMessage(whole.subarray(0, length)), undefined, String(length));
  }
  assert.is(cutMessage(whole)?.rest.length, 0);
});

test('a missing or senseless Content-Length counts as no body', () => {
  for (const value of ['', '-1', 'many', '0x10', '1e3', '9999999999']) {
    const cut = cutMessage(
      Buffer.from(`${replyTo(TEXT, 'SIP/2.0 200 OK', { 'Content-Length': value })}rest`),
    );
    assert.is(String(cut?.rest), 'rest', value);
  }
  const without = REPLY.replace(/^Content-Length: .*\r\n/m, '');
  assert.is(cutMessage(Buffer.from(without))?.rest.length, 0);
});

test('the length of a body is counted in bytes', () => {
  const cut = cutMessage(Buffer.from(`${replyTo(TEXT, 'SIP/2.0 200 OK', { 'Content-Length': '4' })}äörest`));
  assert.is(String(cut?.rest), 'rest');
});

test.run();
