// Bundles src/main.ts into dist/kamailio: one executable file for any Node.js from 18 on. Beside it goes the
// man page, rendered from the same tables as the metadata.

import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { carriedModules } from './packaging/bundle/carried-modules.mjs';
import { eagerFunctions } from './packaging/bundle/eager-functions.mjs';
import { sourceVersion } from './packaging/source-version.mjs';

const root = fileURLToPath(new URL('.', import.meta.url));
const { version, commit, date } = sourceVersion();

/**
 * Modules of Node.js that take milliseconds to load. Sources import them as usual; in the bundle each function
 * loads its module when it is called, so that an action pays for those alone that it uses.
 */
const SLOW_BUILTINS = ['child_process', 'dgram', 'net', 'os', 'tls', 'v8', 'zlib'];

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
  // Each monitor parses the bundle, so every byte counts.
  minify: true,
  legalComments: 'eof',
  // Flat code: a CommonJS package is wrapped, and its wrapper costs each monitor a part of a millisecond.
  mainFields: ['module', 'main'],
  define: { AGENT_VERSION: JSON.stringify(version), AGENT_COMMIT: JSON.stringify(commit) },
  write: false,
  plugins: [slowBuiltins, eagerFunctions(root)],
};

/** Bundles a module that needs nothing but the tables, and returns what it exports. */
async function load(path) {
  const { outputFiles } = await build({ ...common, entryPoints: [path], minify: false });
  const module = { exports: {} };
  const run = new Function('module', 'exports', 'require', outputFiles[0].text);
  run(module, module.exports, createRequire(import.meta.url));
  return module.exports;
}

/**
 * The metadata is the same in each call, so it is rendered here and carried as text: parsing the XML
 * library costs 2 ms, which each monitor would pay for nothing.
 */
const renderedMetadata = {
  name: 'rendered-metadata',
  setup(bundler) {
    bundler.onLoad({ filter: /\/src\/metadata\/xml\.ts$/ }, async ({ path }) => {
      const { metadataXml } = await load(path);
      return { contents: `export const metadataXml = () => ${JSON.stringify(metadataXml())};` };
    });
  },
};

const { outputFiles } = await build({
  ...common,
  entryPoints: ['src/main.ts'],
  outfile: 'dist/kamailio',
  banner: { js: '#!/usr/bin/env node' },
  plugins: [renderedMetadata, carriedModules(common), ...common.plugins],
});

await mkdir(`${root}dist`, { recursive: true });
// The project is ESM, the bundle CommonJS: without this Node.js would take a file without an ending for the former.
await replace('dist/package.json', '{ "type": "commonjs" }\n', 0o644);
await replace('dist/kamailio', outputFiles[0].contents, 0o755);
const { manPage } = await load(`${root}src/metadata/man-page.ts`);
await replace('dist/ocf_heartbeat_kamailio.7', manPage(date), 0o644);
console.log(`dist/kamailio ${version} (${commit}): ${Math.round(outputFiles[0].contents.length / 1024)} KiB`);

/** A cluster may be calling the file that is replaced: it sees the old one or the new one, never a part. */
async function replace(path, contents, mode) {
  await writeFile(`${root}${path}.new`, contents);
  await chmod(`${root}${path}.new`, mode);
  await rename(`${root}${path}.new`, `${root}${path}`);
}
