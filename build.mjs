// Bundles src/main.ts into dist/kamailio: one executable file for any Node.js from 18 on.
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
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
  write: false,
};

/** What the sources import of the libraries that are carried as text. */
const CARRIED = { 'fast-xml-parser': 'XMLBuilder', mri: 'default' };

/**
 * Libraries that few actions need are carried as text and compiled where they are imported: parsing the
 * XML library costs 2 ms, which each monitor would pay for nothing.
 */
const carryAsText = {
  name: 'carry-as-text',
  setup(bundler) {
    bundler.onResolve({ filter: /^(fast-xml-parser|mri)$/ }, ({ path }) => ({ path, namespace: 'carried' }));
    bundler.onLoad({ filter: /.*/, namespace: 'carried' }, async ({ path }) => {
      const library = await build({
        ...common,
        stdin: { contents: `export { ${CARRIED[path]} } from '${path}';`, resolveDir: root },
      });
      const text = JSON.stringify(library.outputFiles[0].text);
      return {
        contents: `const library = { exports: {} };
          new Function('module', 'exports', 'require', ${text})(library, library.exports, require);
          const used = library.exports.${CARRIED[path]};
          export { used as ${CARRIED[path]} };`,
      };
    });
  },
};

const { outputFiles } = await build({
  ...common,
  entryPoints: ['src/main.ts'],
  outfile: 'dist/kamailio',
  banner: { js: '#!/usr/bin/env node' },
  define: { AGENT_VERSION: JSON.stringify(version) },
  plugins: [carryAsText],
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
