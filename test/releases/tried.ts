import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TRIAL } from '../delivery/pristine.ts';
import { mustRun, ROOT } from '../delivery/tools.ts';
import type { Result } from './inside.ts';
import { RELEASES } from './root.ts';

/** A part of the suite: each writes rows of its own. */
type Part = 'checks' | 'cluster';

/** What was tried on one release: names of programs to their versions, of checks to what they came to. */
interface Tried {
  readonly versions: Readonly<Record<string, string>>;
  readonly results: readonly Result[];
}

const PARTS: readonly Part[] = ['checks', 'cluster'];
const PAGE = `${ROOT}packaging/doc/operation.md`;
/** The table stands between these two lines of the page. */
const TABLE = /(<!-- npm test -- releases writes this table -->\n).*?(<!-- end of the table -->\n)/s;

/** Packages whose versions head the table, with the names that people know them by. */
const PACKAGES = {
  kamailio: 'Kamailio',
  pacemaker: 'Pacemaker',
  corosync: 'corosync',
  pcs: 'pcs',
  crmsh: 'crmsh',
  'resource-agents': 'resource-agents',
} as const;

/**
 * Notes what a part of the suite tried on a release. When both parts have tried every release, writes them into the page:
 * half a table would be another source, and the packages would be built anew for it.
 */
export function noteTried(part: Part, codename: string, root: string, results: readonly Result[]): void {
  mkdirSync(join(TRIAL, 'tried'), { recursive: true });
  writeFileSync(
    placeOf(part, codename),
    JSON.stringify({ versions: versionsIn(root), results } satisfies Tried),
  );
  const places = PARTS.map((one) => Object.keys(RELEASES).map((release) => placeOf(one, release)));
  if (!places.flat().every((place) => existsSync(place))) return;
  const parts = places.map((ofReleases) =>
    ofReleases.map((place): Tried => JSON.parse(readFileSync(place, 'utf8'))),
  );
  const page = readFileSync(PAGE, 'utf8');
  if (!TABLE.test(page)) throw new Error(`${PAGE} has no place for the table of releases`);
  const written = page.replace(TABLE, (_, before, after) => `${before}\n${tableOf(parts)}\n${after}`);
  if (written !== page) writeFileSync(PAGE, written);
}

function placeOf(part: Part, codename: string): string {
  return join(TRIAL, 'tried', `${codename}-${part}.json`);
}

/** Versions of the packages in a root, without what Debian adds to them. */
function versionsIn(root: string): Record<string, string> {
  const words = [
    '--admindir',
    join(root, 'var/lib/dpkg'),
    '--show',
    '--showformat',
    `\${Package} \${Version}\\n`,
  ];
  const lines = mustRun('dpkg-query', [...words, ...Object.keys(PACKAGES)])
    .trim()
    .split('\n');
  return Object.fromEntries(
    lines.map((line) => {
      const [name = '', version = ''] = line.split(' ');
      return [name, version.replace(/^\d+:/, '').replace(/-[^-]*$/, '')];
    }),
  );
}

/** Rows are versions and checks, columns the releases. */
function tableOf(parts: readonly (readonly Tried[])[]): string {
  const head = ['', ...Object.values(RELEASES)];
  const [first = []] = parts;
  const versions = Object.entries(PACKAGES).map(([name, known]) => [
    known,
    ...first.map((tried) => tried.versions[name] ?? ''),
  ]);
  const checks = parts.flatMap((releases) =>
    (releases[0]?.results ?? []).map(({ name }) => [
      name,
      ...releases.map(({ results }) => wordFor(results.find((result) => result.name === name))),
    ]),
  );
  const rows = [head, head.map(() => '---'), ...versions, ...checks];
  return `${rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}

function wordFor(result: Result | undefined): string {
  if (!result) return 'not tried';
  if (result.error !== undefined) return 'fails';
  return result.whyNot ?? 'yes';
}
