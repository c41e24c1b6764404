// Puts the agent into a base runtime by pkg's SEA mode: inject.mjs AGENT BASE ARCH OUTPUT, run by build-binary.mjs
// on the very Node.js version that is the base, as the layout of the data changes between versions.
import childProcess from 'node:child_process';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';

const [agent, base, arch, output] = process.argv.slice(2);

// Compiled code holds hashes of strings, whose seed is random. With a fixed seed two builds give the same bytes; V8
// ignores the seed when it compares flags before it takes compiled code. pkg has no option for flags of the
// generator, so they are added where pkg calls it.
const execFile = promisify(childProcess.execFile);
childProcess.execFile = Object.assign(() => {}, {
  [promisify.custom]: (file, args) => execFile(file, ['--random-seed=1', ...args]),
});

const { default: sea } = createRequire(import.meta.url)('@yao-pkg/pkg/lib-es5/sea.js');

try {
  await sea(agent, {
    targets: [{ platform: 'linux', arch, nodeRange: `node${process.versions.node}`, output }],
    // Both together: the base is the given file, and the version is this Node.js's. So pkg neither downloads a
    // base nor calls one, which may be for another processor.
    nodePath: base,
    useLocalNode: true,
    seaConfig: {
      // The path becomes part of the binary: a relative one is the same wherever the build runs. pkg works in a
      // directory of its own below TMPDIR.
      main: '../agent.js',
      disableExperimentalSEAWarning: true,
      // Without it a healthy monitor takes 11 to 13 % longer. It fits the processor that it was made on.
      useCodeCache: arch === process.arch,
      // No NODE_OPTIONS, no --node-options.
      execArgvExtension: 'none',
    },
  });
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
