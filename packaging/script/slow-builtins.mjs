/**
 * Modules of Node.js that take milliseconds to load. Sources import them as usual; in the bundle each function
 * loads its module when it is called, so that an action pays for those alone that it uses. Without this a healthy
 * monitor takes 7 % longer in the script, 15 to 30 % in the binary.
 */
const SLOW_BUILTINS = ['child_process', 'dgram', 'net', 'os', 'tls', 'tty'];

/** The plugin for esbuild. */
export const slowBuiltins = {
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
