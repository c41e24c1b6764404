import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { answers, cutMessage, headOf, parseReply } from '../../src/sip-probe/reply.ts';
import { composeOptions, type OptionsRequest } from '../../src/sip-probe/request.ts';
import { replyTo } from './support.ts';

const ROUNDS = 120_000;
const SEED = Number(process.env.FUZZ_SEED ?? (Date.now() ^ (process.pid << 16)) >>> 0);
console.log(`seed ${SEED} (FUZZ_SEED repeats it)`);

/** mulberry32: small, seeded, good enough to vary bytes. */
let state = SEED;
function random(limit: number): number {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
}

function pick<T>(from: readonly [T, ...T[]]): T {
  return from[random(from.length)] ?? from[0];
}

/** A request as the agent composes it, but with tokens that are the same in every run, so that a seed repeats it. */
function requestOf(digit: string): OptionsRequest {
  const local = { address: '192.0.2.2', port: 40_000 };
  const target = { transport: 'udp', address: '192.0.2.1', port: 5060 } as const;
  const { bytes, branch, callId, cseq } = composeOptions(target, 'monitor', local);
  const token = `0f${digit.repeat(22)}`;
  const text = bytes.toString('latin1').replace(branch, `z9hG4bK${token}`).replaceAll(callId, token);
  return { bytes: Buffer.from(text, 'latin1'), branch: `z9hG4bK${token}`, callId: token, cseq };
}

const REQUEST = requestOf('a');
const OTHER = requestOf('b');

function validReply(): string {
  const start = `SIP/2.0 ${pick(['200', '200', '200', '100', '404', '483', '503'])} ${pick(['OK', '', 'Not here'])}`;
  const text = replyTo(pick([REQUEST, REQUEST, REQUEST, OTHER]).bytes.toString('latin1'), start, {
    ...(random(3) === 0 && { Server: 'kamailio (5.6.3 (x86_64/linux))' }),
    ...(random(3) === 0 && { 'Content-Length': String(random(20)) }),
  });
  return text + 'b'.repeat(random(3) * random(20));
}

/** Pieces that mean something to a parser of SIP. */
const TOKENS = [
  '\r\n',
  '\n',
  '\r',
  '\r\n\r\n',
  '\r\n ',
  '\n\t',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '=',
  '"',
  '<',
  '\0',
  '\x7f',
  '\x0b',
  '\xa0',
  'SIP/2.0',
  'SIP/2.0 200 OK\r\n',
  '200',
  '404',
  'OPTIONS',
  'branch',
  ';branch=',
  `;branch=${REQUEST.branch}`,
  `;branch=${OTHER.branch}`,
  `Via: SIP/2.0/UDP x;branch=${OTHER.branch}\r\n`,
  `v: SIP/2.0/UDP x;branch=${REQUEST.branch}\r\n`,
  `Call-ID: ${OTHER.callId}\r\n`,
  `i: ${REQUEST.callId}\r\n`,
  'CSeq: 1 OPTIONS\r\n',
  'CSeq: 2 OPTIONS\r\n',
  'Content-Length: 999999999\r\n',
  'l: 3\r\n',
  'X: y\r\n',
] as const;

type Mutation = (text: string) => string;

const MUTATIONS: readonly [Mutation, ...Mutation[]] = [
  (text) => splice(text, random(text.length + 1), 0, pick(TOKENS)),
  (text) => splice(text, random(text.length + 1), 1, String.fromCharCode(random(256))),
  (text) => splice(text, random(text.length + 1), 1 + random(8), ''),
  (text) => splice(text, random(text.length + 1), 0, String.fromCharCode(random(256)).repeat(1 + random(40))),
  (text) => text.slice(0, random(text.length + 1)),
  (text) => text.slice(random(Math.min(text.length, 30))),
  (text) => text.replaceAll('\r\n', pick(['\n', '\r', '\r\n', '\r\n'])),
  (text) => text.replace(': ', pick([':', '  :\t', ' : ', ':\r\n ', ': \n\t', '\r\n: '])),
  (text) => text.replace(/^(Via|Call-ID|CSeq)/m, (name) => pick([name, name.toUpperCase(), 'v', 'i', 'X'])),
  (text) =>
    text.replace(/^(Via|Call-ID|CSeq): .*\r\n/m, (line) => pick(['', line + line, line.toLowerCase()])),
  (text) => swapLines(text),
  (text) => text + pick<() => string>([validReply, () => '\r\n', () => 'noise'])(),
  (text) => pick(['\r\n', '\n\n', ' ', '\0', 'x\r\n\r\n']) + text,
];

function splice(text: string, at: number, remove: number, insert: string): string {
  return text.slice(0, at) + insert + text.slice(at + remove);
}

function swapLines(text: string): string {
  const lines = text.split('\r\n');
  const [a, b] = [random(lines.length), random(lines.length)];
  [lines[a], lines[b]] = [lines[b] ?? '', lines[a] ?? ''];
  return lines.join('\r\n');
}

function generate(): Buffer {
  if (random(50) === 0) return Buffer.from(Array.from({ length: random(300) }, () => random(256)));
  let text = validReply();
  for (let count = random(6); count > 0; count--) text = pick(MUTATIONS)(text);
  return Buffer.from(text, 'latin1');
}

/**
 * Independent of the parser, without a single regular expression: does this head of a message say 200 to
 * the request? Walks over the lines once. A blank is what String.trim takes for one.
 */
function isOurOk(head: string, request: OptionsRequest): boolean {
  const lines: string[] = [];
  for (const raw of head.split('\n')) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    const last = lines.at(-1);
    if ((line.startsWith(' ') || line.startsWith('\t')) && last !== undefined) {
      let at = 0;
      while (line[at] === ' ' || line[at] === '\t') at += 1;
      lines[lines.length - 1] = `${last} ${line.slice(at)}`;
    } else {
      lines.push(line);
    }
  }
  const start = (lines.shift() ?? '').toUpperCase();
  if (start !== 'SIP/2.0 200' && !start.startsWith('SIP/2.0 200 ')) return false;
  const first: Partial<Record<'via' | 'call-id' | 'cseq', string>> = {};
  for (const line of lines) {
    const [written = '', ...value] = line.split(':');
    const name = written.trim().toLowerCase();
    const full = name === 'v' ? 'via' : name === 'i' ? 'call-id' : name;
    if (value.length > 0 && (full === 'via' || full === 'call-id' || full === 'cseq')) {
      first[full] ??= value.join(':').trim();
    }
  }
  const parameters = (first.via ?? '').split(',')[0]?.split(';').slice(1) ?? [];
  const branch = parameters.find((parameter) => parameter.split('=')[0]?.trim().toLowerCase() === 'branch');
  const words = (first.cseq ?? '').split(' ').flatMap((word) => word.split('\t'));
  return (
    branch?.slice(branch.indexOf('=') + 1).trim() === request.branch &&
    first['call-id'] === request.callId &&
    words.filter((word) => word !== '').join(' ') === '1 OPTIONS'
  );
}

function isOk(head: string): boolean {
  const reply = parseReply(head);
  return reply !== undefined && reply.status === 200 && answers(reply, REQUEST);
}

function show(message: Buffer): string {
  return `seed ${SEED}: ${JSON.stringify(message.toString('latin1'))}`;
}

test(`none of ${ROUNDS} hostile datagrams passes for a 200 that it is not, or breaks the parser`, () => {
  let healthy = 0;
  let strict = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const message = generate();
    const head = headOf(message);
    const ours = isOk(head);
    const oracle = isOurOk(head, REQUEST);
    if (ours && !oracle) assert.unreachable(show(message));
    if (ours) healthy += 1;
    if (oracle) strict += 1;
  }
  // A parser that took nothing would pass the check above.
  assert.ok(healthy > ROUNDS / 20, `${healthy} were taken`);
  assert.ok(healthy > strict * 0.95, `${healthy} of ${strict} good ones were taken`);
});

test('streams of hostile messages are cut to the end, and no cut passes for a 200 that it is not', () => {
  let healthy = 0;
  for (let round = 0; round < ROUNDS / 4; round++) {
    const stream = Buffer.concat(Array.from({ length: 1 + random(4) }, generate));
    let rest: Buffer = stream;
    let cuts = 0;
    for (let cut = cutMessage(rest); cut; cut = cutMessage(rest)) {
      assert.ok(cut.rest.length < rest.length, show(stream));
      rest = cut.rest;
      cuts += 1;
      assert.ok(stream.includes(Buffer.from(cut.head, 'latin1')), show(stream));
      if (!isOk(cut.head)) continue;
      healthy += 1;
      if (!isOurOk(cut.head, REQUEST)) assert.unreachable(show(stream));
    }
    assert.ok(cuts <= stream.length);
  }
  assert.ok(healthy > ROUNDS / 80, `${healthy} were taken`);
});

test('what has been cut off a stream does not depend on how it was split into segments', () => {
  for (let round = 0; round < 2000; round++) {
    const stream = Buffer.concat(Array.from({ length: 1 + random(3) }, generate));
    const heads = (pieces: readonly Buffer[]) => {
      const found: string[] = [];
      let received: Buffer = Buffer.alloc(0);
      for (const piece of pieces) {
        received = Buffer.concat([received, piece]);
        for (let cut = cutMessage(received); cut; cut = cutMessage(received)) {
          received = cut.rest;
          found.push(cut.head);
        }
      }
      return found;
    };
    const pieces: Buffer[] = [];
    for (let at = 0; at < stream.length; ) {
      const length = 1 + random(200);
      pieces.push(stream.subarray(at, at + length));
      at += length;
    }
    assert.equal(heads(pieces), heads([stream]), show(stream));
  }
});

test('64 KiB of one repeated piece stall nothing', () => {
  const [before = '', after = ''] = replyTo(REQUEST.bytes.toString('latin1')).split('CSeq: ');
  for (const token of TOKENS) {
    const flood = token.repeat(Math.ceil(65_536 / token.length));
    for (const text of [
      flood,
      `SIP/2.0 200 ${flood}`,
      `${before}X: ${flood}\r\nCSeq: ${after}`,
      `${before}${flood}`,
    ]) {
      const message = Buffer.from(text, 'latin1');
      const head = headOf(message);
      assert.is(isOk(head) && !isOurOk(head, REQUEST), false, token);
      cutMessage(message);
    }
  }
});

test.run();
