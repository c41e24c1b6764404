import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';

/** A block of commands or configuration of a page, word for word: the one that begins so. */
export function blockOf(page: string, beginning: string): string {
  const text = readFileSync(new URL(`../../packaging/doc/${page}`, import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/(?:^ {4}.*\n)+/gm)].map(([block]) => block.replaceAll(/^ {4}/gm, ''));
  const found = blocks.filter((block) => block.startsWith(beginning));
  assert.is(found.length, 1, beginning);
  return found.join('');
}
