import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { oneLine } from '../../src/text/one-line.ts';

test('line ends of every kind become a visible mark', () => {
  assert.is(oneLine('one\ntwo\r\nthree\r\n\r\n  four\n'), 'one | two | three | four');
});

test('terminal escapes, other control characters and bidirectional overrides become question marks', () => {
  assert.is(oneLine('a\u001b[31mb\u0000c\u007fd\u009be'), 'a?[31mb?c?d?e');
  assert.is(oneLine('a\u2028b\u2029c\u202ed\u2066e\u2069f'), 'a?b?c?d?e?f');
  assert.is(oneLine('a\u200eb\u200fc\u061cd\ufeffe'), 'a?b?c?d?e');
});

test('what would make the cluster information base no XML becomes question marks', () => {
  assert.is(oneLine('a\ufffeb\uffffc'), 'a?b?c');
});

test('text in any language stays as it is', () => {
  assert.is(oneLine('Zurück, 戻る, назад: ä€😀'), 'Zurück, 戻る, назад: ä€😀');
});

test('a text that is too long is cut to the limit and shows that it was', () => {
  const line = oneLine('x'.repeat(5000));
  assert.is(line.length, 1000);
  assert.ok(line.endsWith('x...'));
  assert.is(oneLine('x'.repeat(80), 80).length, 80);
  assert.not.ok(oneLine('x'.repeat(80), 80).endsWith('.'));
});

test('every character there is leaves one line without control characters', () => {
  let all = '';
  for (let code = 0; code < 0x3000; code++) all += `a${String.fromCharCode(code)}`;
  assert.not.match(oneLine(all, 100_000), /[\p{Cc}\u2028-\u202e\u2066-\u2069]/u);
});

test.run();
