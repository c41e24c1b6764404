import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ACTIONS } from '../../src/interface/actions.ts';
import { PARAMETER_NAMES } from '../../src/interface/parameters.ts';
import { manPage } from '../../src/metadata/man-page.ts';
import { EXIT_CODES } from '../../src/metadata/man-texts.ts';
import { escapeRoff, fill, paragraphs } from '../../src/metadata/roff.ts';
import { mustRun, ROOT, testWith } from './tools.ts';

const BUILT = `${ROOT}dist/ocf_heartbeat_kamailio.7`;

test('the man page explains every parameter, action and exit code', () => {
  const page = manPage('2026-01-02');
  const actions = Object.entries(ACTIONS).flatMap(([name, row]) => (row.aliasOf ? [] : [name]));
  for (const term of [
    ...PARAMETER_NAMES,
    ...actions,
    ...EXIT_CODES.map(({ code, name }) => `${code} ${name}`),
  ]) {
    assert.ok(page.includes(`.TP\n.B ${escapeRoff(String(term))}\n`), `${term} is missing`);
  }
});

test('it has the sections that people look for, in their order', () => {
  const titles = [...manPage('2026-01-02').matchAll(/^\.SH (.*)$/gm)].map(([, title]) => title);
  assert.equal(titles, [
    'NAME',
    'SYNOPSIS',
    'DESCRIPTION',
    'SUPPORTED PARAMETERS',
    'SUPPORTED ACTIONS',
    'ACTIONS FOR PEOPLE',
    'EXIT CODES',
    'EXAMPLE CRM SHELL',
    'EXAMPLE PCS',
    'FILES',
    'PAGES',
    'SEE ALSO',
  ]);
});

test('text that looks like a request of roff is shown, not obeyed', () => {
  assert.is(fill('.so /etc/passwd'), '\\&.so /etc/passwd');
  assert.is(paragraphs("    'so x\n    ...\n    \\n-"), '.RS 4\n.nf\n\\(aqso x\n\\&...\n\\en\\-\n.fi\n.RE');
});

test('the built page is the rendered one, with the day of the commit', () => {
  const built = readFileSync(BUILT, 'utf8');
  const date = /^\.TH \S+ 7 (\d{4}-\d{2}-\d{2}) /.exec(built)?.[1] ?? '';
  const withoutVersion = (page: string) => page.replace(/^\.TH .*$/m, '');
  assert.is(withoutVersion(built), withoutVersion(manPage(date)));
});

testWith(['mandoc'], 'mandoc finds nothing to say about it', () => {
  assert.is(mustRun('mandoc', ['-T', 'lint', BUILT]), '');
});

testWith(['man', 'groff'], 'man finds nothing to say about it, and shows it', () => {
  const env = { LC_ALL: 'C.UTF-8', MANWIDTH: '80', MANPAGER: 'cat' };
  assert.is(mustRun('sh', ['-c', 'man --warnings -l "$1" 2>&1 >/dev/null', 'sh', BUILT], { env }), '');
  // Where groff breaks lines and words is its own affair.
  const shown = mustRun('man', ['-l', BUILT], { env })
    .replace(/\u2010\n\s*/g, '')
    .replace(/\s+/g, ' ');
  assert.match(shown, /The directory is made when it is missing/);
});

test.run();
