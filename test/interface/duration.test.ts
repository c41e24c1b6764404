import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { duration, optionalDuration } from '../../src/interface/duration.ts';

const TAKEN: Readonly<Record<string, number>> = {
  '1': 1,
  '5': 5,
  '05': 5,
  '3600': 3600,
  '999999': 999_999,
  '5s': 5,
  '5S': 5,
  '5 s': 5,
  ' 5 s ': 5,
  '5sec': 5,
  '5SEC': 5,
  '5seconds': 5,
  '5000ms': 5,
  '5000MS': 5,
  '1500msec': 1.5,
  '1000ms': 1,
  '5000000us': 5,
  '1m': 60,
  '1M': 60,
  '1min': 60,
  '2minutes': 120,
  '1h': 3600,
  '2hr': 7200,
  '1hours': 3600,
};

test('a duration is a number of seconds, or has a unit', () => {
  for (const [text, seconds] of Object.entries(TAKEN)) assert.is(duration(text), seconds, text);
});

test('what is not a duration is refused, also what Pacemaker would take for another one than it says', () => {
  for (const text of [
    ...[
      '',
      'abc',
      's',
      'soon',
      '-1',
      '+5',
      '1.5',
      '1.5s',
      '1e3',
      '0x5',
      '5x',
      '5sx',
      '5 s s',
      '5\ns',
      '5\ts',
    ],
    ...['1m30s', '1d', '1w', 'PT5S', '5milliseconds', '5constructor', '5toString', '٥', `${'9'.repeat(40)}s`],
  ]) {
    assert.throws(() => duration(text), /is not a duration; give .*5, 5s, 5000ms, 1min/, text);
  }
});

test('less than a second is refused, as is more than a timer can wait', () => {
  for (const text of ['0', '0s', '500ms', '999ms', '5ms', '1us', '1000000', '999999m', '999999999999h']) {
    assert.throws(() => duration(text), /is not a duration from 1 s on/, text);
  }
});

test('a duration that may be absent may be empty', () => {
  assert.is(optionalDuration(''), undefined);
  assert.is(optionalDuration('7s'), 7);
  assert.throws(() => optionalDuration('x'));
});

/** What Pacemaker's own function makes of texts, in ms. */
const ASK_PACEMAKER = `
import ctypes, ctypes.util, sys
library = ctypes.CDLL(ctypes.util.find_library('crmcommon'))
library.crm_get_msec.restype = ctypes.c_longlong
for text in sys.argv[1:]: print(library.crm_get_msec(text.encode()))
`;

test('each duration that is taken means the same to Pacemaker', () => {
  const texts = Object.keys(TAKEN);
  const { status, stdout, stderr } = spawnSync('python3', ['-c', ASK_PACEMAKER, ...texts], {
    encoding: 'utf8',
  });
  assert.is(status, 0, stderr);
  assert.equal(
    stdout.trim().split('\n').map(Number),
    texts.map((text) => duration(text) * 1000),
  );
});

test.run();
