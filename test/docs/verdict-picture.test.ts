import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EXIT_CODES } from '../../src/metadata/man-texts.ts';
import { OCF_DEGRADED, OCF_ERR_GENERIC, OCF_NOT_RUNNING, OCF_SUCCESS } from '../../src/ocf/exit-code.ts';

const picture = readFileSync(new URL('../../packaging/doc/verdict.svg', import.meta.url), 'utf8');
const operation = readFileSync(new URL('../../packaging/doc/operation.md', import.meta.url), 'utf8');

test("the picture of a monitor's verdict shows the agent's codes and no other", () => {
  const shown = [...picture.matchAll(/<text class="number"[^>]*>(\d+)<\/text>/g)].map(([, code]) =>
    Number(code),
  );
  const monitor = [OCF_SUCCESS, OCF_ERR_GENERIC, OCF_NOT_RUNNING, OCF_DEGRADED];
  assert.equal(
    shown.sort((a, b) => a - b),
    monitor,
  );
});

test('the picture reads on light and dark', () => {
  assert.match(picture, '@media (prefers-color-scheme: dark)');
  const [light = '', dark = ''] = picture.split('@media');
  for (const name of ['ask', 'good', 'warn', 'bad', 'none', 'way', 'small']) {
    assert.match(light, `.${name} {`);
    assert.match(dark, `.${name} {`);
  }
});

test("the page's table of exit codes lists every code of the agent", () => {
  const rows = [...operation.matchAll(/^\| (\d+) \| OCF_/gm)].map(([, code]) => Number(code));
  assert.equal(
    rows,
    EXIT_CODES.map(({ code }) => code),
  );
});

test.run();
