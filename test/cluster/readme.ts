import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';

/** The commands of the README's section Configuration that begin with `tool`, as they stand there. */
export function readmeCommands(tool: 'pcs' | 'crm'): string {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const section = readme.split('## Configuration')[1]?.split('### Parameters')[0] ?? '';
  const blocks = [...section.matchAll(/(?:^ {4}.*\n)+/gm)].map(([block]) => block.replaceAll(/^ {4}/gm, ''));
  const found = blocks.filter((block) => block.startsWith(`${tool} `));
  assert.is(found.length, 1);
  return found.join('');
}
