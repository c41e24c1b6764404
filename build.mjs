// Bundles src/main.ts into dist/kamailio: one executable file for any Node.js from 18 on.

import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { build } from 'esbuild';

const root = new URL('.', import.meta.url).pathname;
const { version } = JSON.parse(await readFile(`${root}package.json`, 'utf8'));

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node18',
  // Each monitor parses the bundle, so every byte counts.
  minify: true,
  legalComments: 'eof',
  define: { AGENT_VERSION: JSON.stringify(version) },
  write: false,
};

/**
 * The metadata is the same in each call, so it is rendered here and carried as text: parsing the XML
 * library costs 2 ms, which each monitor would pay for nothing.
 */
const renderedMetadata = {
  name: 'rendered-metadata',
  setup(bundler) {
    bundler.onLoad({ filter: /\/src\/metadata\/xml\.ts$/ }, async ({ path }) => {
      const renderer = await build({ ...common, entryPoints: [path], minify: false });
      const module = { exports: {} };
      new Function('module', 'exports', 'require', renderer.outputFiles[0].text)(
        module,
        module.exports,
        createRequire(import.meta.url),
      );
      return {
        contents: `export const metadataXml = () => ${JSON.stringify(module.exports.metadataXml())};`,
      };
    });
  },
};

/** Actions that a monitor has no need of. meta-data is not among them: it is one text, and is asked for often. */
const CARRIED_ACTIONS = ['start', 'stop', 'validate-all', 'reload-agent', 'diagnose', 'help'];

/**
 * A monitor runs every few seconds, for years: it is to parse its own code and no other. The rest, which
 * with the XML parser of `diagnose` is twice as large, is carried as compressed text, complete in itself,
 * and compiled when one of its actions is called.
 */
const carriedActions = {
  name: 'carried-actions',
  setup(bundler) {
    bundler.onLoad(
      { filter: new RegExp(`/src/actions/(${CARRIED_ACTIONS.join('|')})\\.ts$`) },
      ({ path }) => ({
        contents: `import { actions } from 'carried-actions';
        export const run = (context) => actions()['${basename(path, '.ts')}'].run(context);`,
      }),
    );
    bundler.onResolve({ filter: /^carried-actions$/ }, ({ path }) => ({ path, namespace: 'carried' }));
    bundler.onLoad({ filter: /.*/, namespace: 'carried' }, async () => {
      const lines = CARRIED_ACTIONS.map((name) => `export * as '${name}' from './src/actions/${name}.ts';`);
      const rest = await build({ ...common, stdin: { contents: lines.join('\n'), resolveDir: root } });
      const packed = deflateRawSync(rest.outputFiles[0].contents, { level: 9 }).toString('base64');
      return {
        contents: `import { inflateRawSync } from 'node:zlib';
          export function actions() {
            const module = { exports: {} };
            const text = inflateRawSync(Buffer.from('${packed}', 'base64')).toString();
            new Function('module', 'exports', 'require', text)(module, module.exports, require);
            return module.exports;
          }`,
      };
    });
  },
};

const { outputFiles } = await build({
  ...common,
  entryPoints: ['src/main.ts'],
  outfile: 'dist/kamailio',
  banner: { js: '#!/usr/bin/env node' },
  plugins: [renderedMetadata, carriedActions],
});

// A cluster may be calling the file that is replaced: it sees the old one or the new one, never a part.
const bundle = `${root}dist/kamailio`;
await mkdir(`${root}dist`, { recursive: true });
// The project is ESM, the bundle CommonJS: without this Node.js would take a file without an ending for the former.
await writeFile(`${root}dist/package.json`, '{ "type": "commonjs" }\n');
await writeFile(`${bundle}.new`, outputFiles[0].contents);
await chmod(`${bundle}.new`, 0o755);
await rename(`${bundle}.new`, bundle);
console.log(`dist/kamailio ${version}: ${Math.round(outputFiles[0].contents.length / 1024)} KiB`);
