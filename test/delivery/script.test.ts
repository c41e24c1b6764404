import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from './tools.ts';

/** An administrator whose root runs the script can read it: its text, and the paths of the modules in it. */
const SCRIPT = readFileSync(`${ROOT}dist/kamailio`, 'utf8');
const MODULES = [...new Set([...SCRIPT.matchAll(/^\/\/ (src\/\S+\.ts)$/gm)].map(([, path = '']) => path))];

test('in the script the path of each module is above its code', () => {
  assert.ok(MODULES.length > 50, `${MODULES.length} modules`);
  for (const path of ['src/main.ts', 'src/actions/start.ts', 'src/kamctl/rpc.ts'])
    assert.ok(MODULES.includes(path), path);
});

test('its functions have the names that they have in src', () => {
  for (const path of MODULES) {
    const source = readFileSync(`${ROOT}${path}`, 'utf8');
    for (const [, name] of source.matchAll(/^(?:export )?(?:async )?function\*? (\w+)/gm))
      assert.match(SCRIPT, new RegExp(`function\\*? ${name}\\(`), `${name} of ${path}`);
  }
});

test('it has no line above 200 characters', () => {
  const long = SCRIPT.split('\n').flatMap((line, index) =>
    line.length > 200 ? [`line ${index + 1}: ${line.length} characters`] : [],
  );
  assert.equal(long, []);
});

test.run();
