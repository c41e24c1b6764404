// Bundles src/main.ts into dist/kamailio: one executable file for any Node.js from 18 on, readable as it is, since
// root runs it. Beside it goes the man page, rendered from the same tables as the metadata, and package.json, which
// says what source both come from.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('.', import.meta.url));
const source = sourceVersion();

/**
 * Modules of Node.js that take milliseconds to load. Sources import them as usual; in the bundle each function
 * loads its module when it is called, so that an action pays for those alone that it uses. Without this a healthy
 * monitor takes 7 % longer in the script, 15 to 30 % in the binary.
 */
const SLOW_BUILTINS = ['child_process', 'dgram', 'net', 'os', 'tls', 'tty'];

const slowBuiltins = {
  name: 'slow-builtins',
  setup(bundler) {
    bundler.onResolve({ filter: new RegExp(`^node:(${SLOW_BUILTINS.join('|')})$`) }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: 'slow-builtin' } : { path, external: true },
    );
    bundler.onLoad({ filter: /.*/, namespace: 'slow-builtin' }, async ({ path }) => {
      const functions = Object.entries(await import(path)).filter(
        ([name, value]) => typeof value === 'function' && name !== 'default',
      );
      const lines = functions.map(
        ([name]) => `export const ${name} = (...args) => require('${path}').${name}(...args);`,
      );
      return { contents: lines.join('\n') };
    });
  },
};

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node18',
  legalComments: 'eof',
  // For whoever reads the script in a terminal.
  lineLimit: 160,
  // The path above a module's code is the same in a tree whose node_modules is a link.
  preserveSymlinks: true,
  // ES modules bundle flat; a CommonJS package would come inside a wrapper.
  mainFields: ['module', 'main'],
  define: { AGENT_VERSION: JSON.stringify(source.version), AGENT_COMMIT: JSON.stringify(source.commit) },
  write: false,
  plugins: [slowBuiltins],
};

/** Bundles a module that needs nothing but the tables, and returns what it exports. */
async function load(path) {
  const { outputFiles } = await build({ ...common, entryPoints: [path] });
  const module = { exports: {} };
  const run = new Function('module', 'exports', 'require', outputFiles[0].text);
  run(module, module.exports, createRequire(import.meta.url));
  return module.exports;
}

const { outputFiles } = await build({
  ...common,
  entryPoints: ['src/main.ts'],
  outfile: 'dist/kamailio',
  banner: { js: '#!/usr/bin/env node' },
});

await mkdir(`${root}dist`, { recursive: true });
// The project is ESM, the bundle CommonJS: without this Node.js would take a file without an ending for the former.
await replace('dist/package.json', `${JSON.stringify({ type: 'commonjs', ...source }, null, 2)}\n`, 0o644);
await replace('dist/kamailio', outputFiles[0].contents, 0o755);
const { manPage } = await load(`${root}src/metadata/man-page.ts`);
await replace('dist/ocf_heartbeat_kamailio.7', manPage(source.date), 0o644);
const kib = Math.round(outputFiles[0].contents.length / 1024);
console.log(`dist/kamailio ${source.version} (${source.commit}): ${kib} KiB`);

/** A cluster may be calling the file that is replaced: it sees the old one or the new one, never a part. */
async function replace(path, contents, mode) {
  await writeFile(`${root}${path}.new`, contents);
  await chmod(`${root}${path}.new`, mode);
  await rename(`${root}${path}.new`, `${root}${path}`);
}

/**
 * Version, commit and time of the source.
 *
 * `epoch` is the one time, in s, that appears in anything that is built: SOURCE_DATE_EPOCH where it is set,
 * else the commit's, else, in a source tree without git, the day of the newest entry of the changelog.
 * `commit` ends in `+` if a tracked file differs from it, and is `unknown` without git.
 */
function sourceVersion() {
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  const commit = git('rev-parse', '--short=12', 'HEAD');
  const changed = commit && git('status', '--porcelain', '--untracked-files=no');
  const epoch = Number(process.env.SOURCE_DATE_EPOCH || git('log', '-1', '--format=%ct') || newestEntry());
  if (!Number.isSafeInteger(epoch) || epoch <= 0)
    throw new Error('SOURCE_DATE_EPOCH is not a number of seconds');
  const date = new Date(epoch * 1000).toISOString().slice(0, 10);
  return { version, commit: commit ? `${commit}${changed ? '+' : ''}` : 'unknown', epoch, date };
}

/** Output of git, empty where there is no git or no repository. */
function git(...words) {
  const options = { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };
  try {
    return execFileSync('git', words, options).trim();
  } catch {
    return '';
  }
}

function newestEntry() {
  const day = /^## \[[^\]]+\] - (\d{4}-\d{2}-\d{2})$/m.exec(readFileSync(`${root}CHANGELOG.md`, 'utf8'))?.[1];
  return day ? Date.parse(day) / 1000 : Number.NaN;
}
