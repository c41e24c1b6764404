// Bundles src/main.ts into dist/kamailio: one executable file for any Node.js from 18 on, readable as it is, since
// root runs it. Beside it goes the man page, rendered from the same tables as the metadata, and package.json, which
// says what source both come from.

import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { PARTS_FOLLOW, parts, scriptOf } from './packaging/script/parts.mjs';
import { slowBuiltins } from './packaging/script/slow-builtins.mjs';
import { sourceVersion } from './packaging/script/source.mjs';

const root = fileURLToPath(new URL('.', import.meta.url));
const source = sourceVersion(root);

const ENTRY = 'src/main.ts';

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
const script = scriptOf(outputFiles, metafile, root, ENTRY);

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

/** A cluster may be calling the file that is replaced: it sees the old one or the new one, never a part. */
async function replace(path, contents, mode) {
  await writeFile(`${root}${path}.new`, contents);
  await chmod(`${root}${path}.new`, mode);
  await rename(`${root}${path}.new`, `${root}${path}`);
}
