import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from './tools.ts';

/** An administrator whose root runs the script can read it: its text, and the paths of the modules in it. */
const SCRIPT = readFileSync(`${ROOT}dist/kamailio`, 'utf8');
const MODULES = [
  ...new Set([...SCRIPT.matchAll(/^(?:\/\/ )?\/\/ (src\/\S+\.ts)$/gm)].map(([, path = '']) => path)),
];
/** What each call reads; the parts for other calls follow in comments. */
const [READ_BY_EACH_CALL = '', PARTS = ''] = SCRIPT.split(/^const PARTS = /m);

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

test('what a healthy monitor needs is code, and the parts for other calls are comments', () => {
  for (const path of ['src/main.ts', 'src/actions/monitor.ts', 'src/sip-probe/udp.ts', 'src/kamctl/rpc.ts'])
    assert.match(READ_BY_EACH_CALL, `\n// ${path}\n`);
  for (const path of ['src/actions/start.ts', 'src/actions/diagnose.ts', 'src/suggestion/suggestion.ts']) {
    assert.not.match(READ_BY_EACH_CALL, `\n// ${path}\n`);
    assert.match(PARTS, `\n// // ${path}\n`);
  }
  const uncommented = PARTS.split('\n').filter(
    (line) => !/^(\{|\/\/.*| {2}"[^"]+"\(\) \{| {2}\},|\};|)$/.test(line),
  );
  assert.equal(uncommented, []);
});

test('it has no line above 200 characters', () => {
  const long = SCRIPT.split('\n').flatMap((line, index) =>
    line.length > 200 ? [`line ${index + 1}: ${line.length} characters`] : [],
  );
  assert.equal(long, []);
});

test.run();
