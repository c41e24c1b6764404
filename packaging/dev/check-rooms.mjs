// Part of `npm run check`: no room of src imports a room above it. Prints each import that does, and exits with 1.
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const src = fileURLToPath(new URL('../../src', import.meta.url));

/** The rooms from the ground up. A room may import itself and the rooms on floors below, but not its neighbours. */
const FLOORS = [
  ['failure', 'text', 'lifetime', 'version.ts'],
  ['system'],
  ['process', 'sip-probe', 'ocf'],
  ['kamctl', 'journal'],
  ['external'],
  ['interface'],
  ['params', 'tracing'],
  ['checks'],
  ['launch', 'watch', 'drain'],
  ['metadata', 'diagnosis'],
  ['suggestion'],
  ['actions'],
  ['main.ts'],
];

const violations = globSync('**/*.ts', { cwd: src }).sort().flatMap(importsAbove);
for (const line of violations) console.error(`check: ${line}`);
process.exitCode = violations.length > 0 ? 1 : 0;

/** What a file of src imports and may not, each as a sentence. */
function importsAbove(file) {
  const floor = floorOf(file);
  if (floor < 0) return [`src/${file} is in no room that FLOORS names; give it one`];
  const imports = [
    ...readFileSync(join(src, file), 'utf8').matchAll(/\bfrom '(\.[^']+)'|\bimport\('(\.[^']+)'\)/g),
  ];
  return imports
    .map(([, named, loaded]) => relative(src, join(src, dirname(file), named ?? loaded)))
    .filter((imported) => roomOf(imported) !== roomOf(file) && floorOf(imported) >= floor)
    .map((imported) => `src/${file} imports src/${imported}, which is not below it`);
}

function floorOf(file) {
  return FLOORS.findIndex((rooms) => rooms.includes(roomOf(file)));
}

/** The first folder of a path in src; a loose file is a room of its own. */
function roomOf(file) {
  return file.split('/')[0];
}
