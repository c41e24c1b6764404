import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PAGES } from '../../src/metadata/man-texts.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = readdirSync(`${root}packaging/doc`)
  .filter((name) => name.endsWith('.md'))
  .map((name) => `packaging/doc/${name}`);
const documents = ['README.md', 'test/README.md', ...pages];

function read(document: string): string {
  return readFileSync(join(root, document), 'utf8');
}

/** The targets of the links and pictures of a document, those to other sites left out. */
function linksOf(document: string): string[] {
  const links = [...read(document).matchAll(/!?\[[^\]]*\]\(([^)\s]+)\)/g)].map(([, target]) => target ?? '');
  return links.filter((target) => !/^[a-z]+:/.test(target));
}

/** The names by which a document's headings can be linked to, as code hosts form them. */
function anchorsOf(document: string): string[] {
  return read(document)
    .split('\n')
    .flatMap((line) => /^#+ +(.*)$/.exec(line)?.[1] ?? [])
    .map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} -]/gu, '')
        .replaceAll(' ', '-'),
    );
}

test('every link of README and pages leads to a file, and to a heading in it where it names one', () => {
  const broken: string[] = [];
  let count = 0;
  for (const document of documents) {
    for (const link of linksOf(document)) {
      count += 1;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? document : join(dirname(document), path);
      const leads = existsSync(join(root, target));
      if (!leads || (anchor !== undefined && !anchorsOf(target).includes(anchor)))
        broken.push(`${document}: ${link}`);
    }
  }
  assert.equal(broken, []);
  assert.ok(count > 10, `${count} links found`);
});

test('README is short enough for five minutes, and links every page', () => {
  assert.ok(read('README.md').split('\n').length <= 251);
  const linked = linksOf('README.md').map((link) => link.split('#')[0]);
  for (const page of pages) assert.ok(linked.includes(page), page);
});

test('the man page names every page', () => {
  assert.equal(PAGES.map(([name]) => `packaging/doc/${name}`).sort(), [...pages].sort());
});

test('every picture of the pages is a file with something in it', () => {
  const pictures = pages.flatMap((page) =>
    linksOf(page)
      .filter((link) => link.endsWith('.svg'))
      .map((link) => join(root, dirname(page), link)),
  );
  assert.ok(pictures.length >= 2);
  for (const picture of pictures) assert.ok(statSync(picture).size > 1000, picture);
});

test.run();
