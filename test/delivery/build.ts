import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { madeOnce, TRIAL } from './pristine.ts';
import { mustRun, type Need, ROOT, run } from './tools.ts';

const IN_GIT: Need = [
  run('git', ['rev-parse', '--verify', 'HEAD']).status === 0 && process.arch === 'x64',
  'this is no clone on x86-64',
];

/** What a whole build takes. */
export const NEEDS_OF_BUILD: readonly Need[] = [
  IN_GIT,
  'dpkg-deb',
  'rpmbuild',
  'strip',
  'aarch64-linux-gnu-strip',
];

/** Version of the source. */
export const VERSION = /"version": "([^"]+)"/.exec(readFileSync(`${ROOT}package.json`, 'utf8'))?.[1] ?? '';

/** Name of the file of a package of the source's version. */
export function packageName(kind: 'deb' | 'rpm', arch: 'x64' | 'arm64'): string {
  return kind === 'deb'
    ? `resource-agents-kamailio_${VERSION}_${{ x64: 'amd64', arm64: 'arm64' }[arch]}.deb`
    : `resource-agents-kamailio-${VERSION}-1.${{ x64: 'x86_64', arm64: 'aarch64' }[arch]}.rpm`;
}

/**
 * Builds everything that `npm run package` builds from the source as it stands, in a clone, and returns the
 * clone's dist/. All suites share the one build, until the source changes.
 */
export function builtPackages(): string {
  const name = `build-${sourceStamp()}`;
  const place = madeOnce(name, (clone) => buildClone(clone, '022', { LC_ALL: 'C', TZ: 'UTC' }));
  for (const other of readdirSync(TRIAL))
    if (/^build-[0-9a-f]+$/.test(other) && other !== name) rmSync(join(TRIAL, other), { recursive: true });
  return join(place, 'dist');
}

/** Commit and changes since, as a name. */
function sourceStamp(): string {
  const hash = createHash('sha256').update(git('rev-parse', 'HEAD'));
  for (const file of changedFiles()) hash.update(`${file}\n`).update(contents(join(ROOT, file)));
  return hash.digest('hex').slice(0, 16);
}

/** Clones the source as it stands to `clone`, and builds the packages there; `prefix` is a program that runs the build. */
export function buildClone(
  clone: string,
  umask: string,
  env: Readonly<Record<string, string>>,
  prefix: readonly string[] = [],
): void {
  cloneSource(clone);
  // The quickest compression: the same way through every tool, in a fifth of the time.
  const build = `umask ${umask} && exec "$1" packaging/package.mjs --level=0`;
  const [file = '', ...words] = [...prefix, 'sh', '-c', build, 'sh', process.execPath];
  mustRun(file, words, { cwd: clone, env, limitMs: 420_000 });
}

/** Clones the source as it stands, with the npm packages that are installed here. */
export function cloneSource(clone: string): void {
  mkdirSync(dirname(clone), { recursive: true });
  git('clone', '--quiet', '--no-hardlinks', ROOT, clone);
  for (const file of changedFiles()) {
    rmSync(join(clone, file), { force: true });
    if (existsSync(join(ROOT, file))) cpSync(join(ROOT, file), join(clone, file));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
}

/** Files of the build that differ from the commit, and new ones; also those that are gone. */
function changedFiles(): string[] {
  const files = ['--', '.', ':!test'];
  const changed = git('diff', '--name-only', '--no-renames', '-z', 'HEAD', ...files);
  const untracked = git('ls-files', '--others', '--exclude-standard', '-z', ...files);
  return `${changed}${untracked}`.split('\0').filter(Boolean).sort();
}

function contents(path: string): Buffer {
  return existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
}

/** The project may belong to another account than root. */
function git(...words: string[]): string {
  return mustRun('git', ['-c', 'safe.directory=*', ...words]);
}
