import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { words } from '../../src/interface/domains.ts';

const END = '--end-of-case--';

/** What a real shell makes of each text, as the arguments of a command. */
function shellWords(texts: readonly string[]): string[][] {
  const script = texts.map((text) => `printf '%s\\0' ${text} ${END}`).join('\n');
  const { stdout, status, stderr } = spawnSync('/bin/sh', [], { input: script, encoding: 'utf8', cwd: '/' });
  assert.is(status, 0, stderr);
  const cases: string[][] = [];
  let words: string[] = [];
  for (const word of stdout.split('\0').slice(0, -1)) {
    if (word !== END) {
      words.push(word);
      continue;
    }
    cases.push(words);
    words = [];
  }
  return cases;
}

function compare(texts: readonly string[]): void {
  const expected = shellWords(texts);
  assert.is(expected.length, texts.length);
  for (const [index, text] of texts.entries()) assert.equal([...words(text)], expected[index], text);
}

test('options are split as a shell splits them', () => {
  compare([
    '',
    '   ',
    '-m 64 -M 8',
    '  -m\t64  ',
    '-A WITH_DEBUG -A "NAME=a b"',
    '-A \'NAME="x"\'',
    '-A NAME=a\\ b',
    '""',
    "''",
    "a''b",
    '"a"\'b\'c',
    "'$(touch /nonexistent)' '`x`' '*'",
    '"a\\"b" "a\\\\b" "a\\$b" "a\\`b" "a\\nb"',
    "'a\\b'",
    '\\a\\b',
    'a"b c"d"e f"',
    '"*;&|<>()"',
    'ä "ö ü"',
    "'it'\\''s'",
  ]);
});

test('5,000 generated command lines are split as a shell splits them', () => {
  let state = 5060;
  const next = (limit: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const pick = (from: readonly string[]) => from[next(from.length)] ?? '';
  const bare = [
    'a',
    'b',
    '-',
    '=',
    '/',
    ':',
    '.',
    ',',
    'ä',
    '\\"',
    "\\'",
    '\\ ',
    '\\\\',
    '\\x',
    '\\$',
    '\\;',
    '\\*',
  ];
  const inDouble = ['a', ' ', "'", ';', '*', '#', '\\"', '\\\\', '\\$', '\\`', '\\x', '(', '&', '>', '\t'];
  const inSingle = ['a', ' ', '"', '$', '`', '\\', '*', '#', ';', '$(x)', '|', '\t'];
  const run = (from: readonly string[], most: number) =>
    Array.from({ length: next(most) }, () => pick(from)).join('');
  const piece = () => {
    switch (next(4)) {
      case 0:
        return `"${run(inDouble, 6)}"`;
      case 1:
        return `'${run(inSingle, 6)}'`;
      case 2:
        return pick([' ', '  ', '\t']);
      default:
        return run(bare, 5);
    }
  };
  compare(Array.from({ length: 5000 }, () => Array.from({ length: next(9) }, piece).join('')));
});

test('nothing is expanded: what a shell would execute stays text', () => {
  assert.equal(
    [...words('$(touch x) `y` $HOME * ~ ; | & > f # g {a,b} !!')],
    ['$(touch', 'x)', '`y`', '$HOME', '*', '~', ';', '|', '&', '>', 'f', '#', 'g', '{a,b}', '!!'],
  );
});

test('an open quote or a lone backslash at the end is refused', () => {
  for (const text of ['"', "'", 'a "b', "a 'b c", 'a\\', '"a\\"', "it's"]) {
    assert.throws(() => words(text), /ends inside a quote/, text);
  }
});

test('a control character other than the tab is refused', () => {
  for (const text of ['a\nb', 'a\rb', '"a\0b"', "'\u001b[2J'", 'a\u007f', '\u0085']) {
    assert.throws(() => words(text), /control character/);
  }
});

test('64 KiB of anything are split without a stall', () => {
  assert.is(words('a '.repeat(32_768)).length, 32_768);
  assert.is(words('\\"'.repeat(32_768)).length, 1);
  assert.is(words(`"${'\\"'.repeat(32_767)}"`).length, 1);
  assert.throws(() => words('"\\'.repeat(32_768)));
  assert.throws(() => words(`"${'a'.repeat(65_536)}`));
});

test.run();
