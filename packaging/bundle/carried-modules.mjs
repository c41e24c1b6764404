// Part of build.mjs: what a monitor has no need of is carried as text.

import { deflateRawSync } from 'node:zlib';
import { build } from 'esbuild';

/**
 * Modules that a monitor has no need of, each with the functions that it exports. What stands together is carried
 * together: a start and a stop, for which callers wait, each by itself and as it is, for node:zlib takes 2 ms to
 * load. meta-data is not among them: it is one text, and is asked for often.
 */
const PACKS = [
  { modules: { 'src/actions/start.ts': ['run'] } },
  { modules: { 'src/actions/stop.ts': ['run'] } },
  { modules: { 'src/checks/predictions.ts': ['predictFailures', 'udpSockets'] } },
  {
    isCompressed: true,
    modules: {
      'src/actions/validate-all.ts': ['run'],
      'src/actions/reload-agent.ts': ['run'],
      'src/actions/diagnose.ts': ['run'],
      'src/actions/help.ts': ['run'],
    },
  },
];

/**
 * The plugin of esbuild. A monitor runs every few seconds, for years: it is to parse its own code and no other.
 * The rest, which with the XML parser of `diagnose` is twice as large, is carried as text, each pack complete in
 * itself, and compiled when one of its functions is called. `options` are those of the bundle, which go for the packs
 * too.
 */
export function carriedModules(options) {
  return {
    name: 'carried-modules',
    setup(bundler) {
      const carriers = new Map();
      const paths = PACKS.flatMap(({ modules }) => Object.keys(modules));
      bundler.onLoad({ filter: new RegExp(`/(${paths.join('|').replaceAll('.', '\\.')})$`) }, ({ path }) => {
        const module = paths.find((one) => path.endsWith(`/${one}`));
        const pack = PACKS.findIndex(({ modules }) => module in modules);
        const lines = PACKS[pack].modules[module].map(
          (name) => `export const ${name} = (...args) => modules()['${module}'].${name}(...args);`,
        );
        return { contents: [`import { modules } from 'pack:${pack}';`, ...lines].join('\n') };
      });
      bundler.onResolve({ filter: /^pack:/ }, ({ path }) => ({ path, namespace: 'pack' }));
      bundler.onLoad({ filter: /.*/, namespace: 'pack' }, async ({ path }) => {
        const [, number] = path.split(':');
        carriers.set(`CARRIER_${number}`, carrier(await packText(PACKS[number], options)));
        return { contents: unpacking(`CARRIER_${number}`, PACKS[number]) };
      });
      bundler.onEnd(({ outputFiles: [bundle] }) => {
        const text = bundle.text.replaceAll(/\bCARRIER_\d+\b/g, (name) => carriers.get(name));
        bundle.contents = Buffer.from(text);
      });
    },
  };
}

/** A pack's modules as one script that exports each by its path; compressed and in base64 if the pack says so. */
async function packText({ modules, isCompressed }, options) {
  const lines = Object.keys(modules).map((module) => `export * as '${module}' from './${module}';`);
  const stdin = { contents: lines.join('\n'), resolveDir: options.absWorkingDir };
  const { outputFiles } = await build({ ...options, stdin });
  const [{ text, contents }] = outputFiles;
  return isCompressed ? deflateRawSync(contents, { level: 9 }).toString('base64') : text;
}

/** What would end the comment that a pack's text stands in, and what stands there for it. */
const COMMENT_END = '*/';
const MARK = '*|/';

/**
 * A function with the text as a comment in it: its source is the text's place. As a string the text would be read,
 * copied and hashed by each monitor (0.5 to 2 ms); a comment is passed over.
 */
function carrier(text) {
  if (text.includes(MARK)) throw new Error(`a pack holds ${MARK}, which stands for ${COMMENT_END} there`);
  return `()=>{/*${text.replaceAll(COMMENT_END, MARK)}*/}`;
}

/** The module that gets a pack's modules out of the carrier of that name, once. */
function unpacking(name, { isCompressed }) {
  const text = isCompressed
    ? "inflateRawSync(Buffer.from(carried, 'base64')).toString()"
    : `carried.replaceAll('${MARK}', '${COMMENT_END}')`;
  return `
    import { inflateRawSync } from 'node:zlib';
    let unpacked;
    export function modules() {
      return (unpacked ??= unpack());
    }
    function unpack() {
      const source = String(${name});
      const carried = source.slice(source.indexOf('/*') + 2, source.lastIndexOf('${COMMENT_END}'));
      const module = { exports: {} };
      new Function('module', 'exports', 'require', ${text})(module, module.exports, require);
      return module.exports;
    }`;
}
