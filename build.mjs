// Bundles src/main.ts into dist/kamailio: one executable file for any Node.js from 18 on, readable as it is, since
// root runs it. Beside it goes the man page, rendered from the same tables as the metadata, and package.json, which
// says what source both come from.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, relative } from 'node:path';
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

/**
 * Every `await import()` in the sources begins a part of its own: code that some calls need and a healthy monitor does
 * not. esbuild puts what every call needs into one chunk if each part has the entry among its imports.
 */
const parts = {
  name: 'parts',
  setup(bundler) {
    bundler.onResolve(
      { filter: /^\./, namespace: 'file' },
      async ({ path, kind, resolveDir, pluginData }) => {
        if (kind !== 'dynamic-import' || pluginData === parts) return undefined;
        const found = await bundler.resolve(path, { kind, resolveDir, pluginData: parts });
        return found.errors.length > 0 ? found : { path: relative(root, found.path), namespace: 'part' };
      },
    );
    bundler.onLoad({ filter: /.*/, namespace: 'part' }, ({ path }) => ({
      contents: `import './${ENTRY}';\nexport * from './${path}';`,
      resolveDir: root,
    }));
  },
};

const ENTRY = 'src/main.ts';

/** Where the code that each call reads ends. */
const PARTS_FOLLOW = `
// The code above is what a healthy monitor needs. What follows are the parts that other calls need, in comments, which
// Node.js passes over quickly. part() takes the comment marks away and runs a part, once.
function part(name) {
  if (!loaded.has(name)) {
    const { compileFunction } = require("node:vm");
    const code = PARTS[name].toString().split("\\n").slice(1, -1).map((line) => line.slice(3)).join("\\n");
    loaded.set(name, compileFunction(code, ["part", "require"], { filename: __filename + ", " + name })(part, require));
  }
  return loaded.get(name);
}
const PARTS = {`.trimStart();

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node18',
  legalComments: 'eof',
  // For whoever reads the script in a terminal.
  lineLimit: 160,
  // The path above a module's code is the same in a tree whose node_modules is a link.
  preserveSymlinks: true,
  // ES modules bundle flat; a CommonJS package would come inside a wrapper.
  mainFields: ['module', 'main'],
  // Of the library for WebSockets the client alone, which the agent loads for a ws or wss probe. It looks for faster
  // parts in C beside the agent; nothing that lies there is to run.
  alias: { ws: './node_modules/ws/lib/websocket.js' },
  define: {
    'process.env.WS_NO_BUFFER_UTIL': '"1"',
    'process.env.WS_NO_UTF_8_VALIDATE': '"1"',
    AGENT_VERSION: JSON.stringify(source.version),
    AGENT_COMMIT: JSON.stringify(source.commit),
  },
  write: false,
};

/** Bundles a module that needs nothing but the tables, and returns what it exports. */
async function load(path) {
  const { outputFiles } = await build({ ...common, format: 'cjs', entryPoints: [path] });
  const module = { exports: {} };
  const run = new Function('module', 'exports', 'require', outputFiles[0].text);
  run(module, module.exports, createRequire(import.meta.url));
  return module.exports;
}

const { outputFiles, metafile } = await build({
  ...common,
  format: 'esm',
  splitting: true,
  metafile: true,
  entryPoints: [ENTRY],
  outdir: 'dist',
  plugins: [slowBuiltins, parts],
});
const script = scriptOf(outputFiles, metafile);

await mkdir(`${root}dist`, { recursive: true });
// The project is ESM, the bundle CommonJS: without this Node.js would take a file without an ending for the former.
await replace('dist/package.json', `${JSON.stringify({ type: 'commonjs', ...source }, null, 2)}\n`, 0o644);
await replace('dist/kamailio', script, 0o755);
const { manPage } = await load(`${root}src/metadata/man-page.ts`);
await replace('dist/ocf_heartbeat_kamailio.7', manPage(source.date), 0o644);
const kib = (text) => Math.round(text.length / 1024);
console.log(
  `dist/kamailio ${source.version} (${source.commit}): ${kib(script)} KiB, ${kib(script.slice(0, script.indexOf(PARTS_FOLLOW)))} of them read by each call`,
);

/**
 * One file from esbuild's chunks. What every call needs is code. Each other part is in comments until part() runs it.
 * Without them a healthy monitor of the script takes 15 to 19 % more instructions: Node.js reads all code of a file
 * before it runs any, and passes over comments.
 */
function scriptOf(files, { outputs }) {
  const chunks = files.map(({ path, text }) => ({
    name: partName(outputs[relative(root, path)]),
    file: basename(path),
    text,
  }));
  const nameOf = new Map(chunks.map(({ file, name }) => [file, name]));
  const entry = chunks.find(({ name }) => name === ENTRY);
  const [, common] = /^import "\.\/(.+)";\s*$/.exec(entry.text) ?? [];
  if (!common) throw new Error('esbuild has put code that every call needs into more than one chunk');
  nameOf.set(common, ENTRY);
  const code = (text) => commonJs(text, nameOf);
  const lazy = chunks
    .filter(({ file, name }) => name !== ENTRY && file !== common)
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .map(({ name, text }) => `  "${name}"() {\n${commented(code(text))}\n  },`);
  const always = code(chunks.find(({ file }) => file === common).text);
  return [
    '#!/usr/bin/env node',
    '"use strict";',
    always.replace(/^return (\{[\s\S]*\});$/m, `const loaded = new Map([["${ENTRY}", $1]]);`),
    PARTS_FOLLOW,
    ...lazy,
    '};',
    '',
  ].join('\n');
}

/** The path of the module that a part begins with; that of shared code is the path of its first module. */
function partName({ entryPoint, inputs }) {
  return entryPoint ? entryPoint.replace(/^part:/, '') : `shared from ${Object.keys(inputs)[0]}`;
}

/**
 * A chunk with require() and part() in place of its imports, and an object in place of its exports. An import for its
 * side effects alone is left out: modules of this agent have none, but main.ts, which has run by then.
 */
function commonJs(chunk, nameOf) {
  const from = (path) =>
    path.startsWith('./') ? `part("${nameOf.get(path.slice(2))}")` : `require("${path}")`;
  const names = (list) => list.replaceAll(' as ', ': ');
  const text = chunk
    .replace(/^import "(.+)";\n/gm, '')
    .replace(
      /^import (\{[^}]+\}) from "(.+)";$/gm,
      (_, list, path) => `const ${names(list)} = ${from(path)};`,
    )
    .replace(/\bimport\("(.+?)"\)/g, (_, path) => `Promise.resolve().then(() => ${from(path)})`)
    .replace(
      /^export (\{[^}]+\});$/m,
      (_, list) => `return ${list.replace(/([\w$]+) as ([\w$]+)/g, '$2: $1')};`,
    );
  const left = /^(?:import|export)\b.*/m.exec(text);
  if (left) throw new Error(`no way is known to write this for a script: ${left[0]}`);
  return text.trim();
}

/** Each line as a comment. */
function commented(text) {
  return text
    .split('\n')
    .map((line) => `//${line && ` ${line}`}`)
    .join('\n');
}

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
