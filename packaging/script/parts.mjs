import { basename, relative } from 'node:path';

/**
 * Every `await import()` in the sources begins a part of its own: code that some calls need and a healthy monitor does
 * not. esbuild puts what every call needs into one chunk if each part has the entry among its imports.
 */
export const parts = {
  name: 'parts',
  setup(bundler) {
    const root = bundler.initialOptions.absWorkingDir;
    const [entry] = bundler.initialOptions.entryPoints;
    bundler.onResolve(
      { filter: /^\./, namespace: 'file' },
      async ({ path, kind, resolveDir, pluginData }) => {
        if (kind !== 'dynamic-import' || pluginData === parts) return undefined;
        const found = await bundler.resolve(path, { kind, resolveDir, pluginData: parts });
        return found.errors.length > 0 ? found : { path: relative(root, found.path), namespace: 'part' };
      },
    );
    bundler.onLoad({ filter: /.*/, namespace: 'part' }, ({ path }) => ({
      contents: `import './${entry}';\nexport * from './${path}';`,
      resolveDir: root,
    }));
  },
};

/** Where the code that each call reads ends. */
export const PARTS_FOLLOW = `
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

/**
 * One file from esbuild's chunks. What every call needs is code. Each other part is in comments until part() runs it.
 * Without them a healthy monitor of the script takes 15 to 19 % more instructions: Node.js reads all code of a file
 * before it runs any, and passes over comments. `root` is the project's directory, `entryPath` the path of the module
 * that it begins with. Throws for code that no way is known to write so.
 */
export function scriptOf(files, { outputs }, root, entryPath) {
  const chunks = files.map(({ path, text }) => ({
    name: partName(outputs[relative(root, path)]),
    file: basename(path),
    text,
  }));
  const nameOf = new Map(chunks.map(({ file, name }) => [file, name]));
  const entry = chunks.find(({ name }) => name === entryPath);
  const [, common] = /^import "\.\/(.+)";\s*$/.exec(entry.text) ?? [];
  if (!common) throw new Error('esbuild has put code that every call needs into more than one chunk');
  nameOf.set(common, entryPath);
  const code = (text) => commonJs(text, nameOf);
  const lazy = chunks
    .filter(({ file, name }) => name !== entryPath && file !== common)
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .map(({ name, text }) => `  "${name}"() {\n${commented(code(text))}\n  },`);
  const always = code(chunks.find(({ file }) => file === common).text);
  return [
    '#!/usr/bin/env node',
    '"use strict";',
    always.replace(/^return (\{[\s\S]*\});$/m, `const loaded = new Map([["${entryPath}", $1]]);`),
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
