// Puts the agent into a base runtime by pkg's SEA mode: inject.mjs WORK ARCH OUTPUT, run by build-binary.mjs
// on the very Node.js version that is the base, as the layout of the data changes between versions.
//
// WORK holds agent.js, and, where pkg looks for what it has downloaded, the stripped runtimes.
import childProcess from 'node:child_process';
import { createRequire } from 'node:module';
import process from 'node:process';
import { promisify } from 'node:util';
import { RUNTIMES } from './runtime.mjs';

const [work, arch, output] = process.argv.slice(2);

// Compiled code holds hashes of strings, and their seed is drawn anew in each process. With this seed two
// builds give the same bytes; V8 leaves it out when it compares flags before it takes compiled code. pkg has
// no option for flags of the generator, so they are put in where it is called, before pkg is loaded.
const execFile = promisify(childProcess.execFile);
childProcess.execFile = Object.assign(() => {}, {
  [promisify.custom]: (file, args) => execFile(file, ['--random-seed=1', ...args]),
});

const { default: sea } = createRequire(import.meta.url)('@yao-pkg/pkg/lib-es5/sea.js');

// pkg takes the base from ~/.pkg-cache, and would download one that it does not find.
process.env.HOME = work;
// It works in a directory below TMPDIR; see `main`.
process.env.TMPDIR = work;
globalThis.fetch = (url) => {
  throw new Error(`the build takes nothing from the network, and pkg asks for ${url}`);
};

try {
  await sea(`${work}/agent.js`, {
    targets: [{ platform: 'linux', arch, nodeRange: `node${RUNTIMES.version}`, output }],
    seaConfig: {
      // The path becomes part of the binary: a relative one is the same wherever the build runs.
      main: '../agent.js',
      disableExperimentalSEAWarning: true,
      // Compiled code fits the processor that it was made on.
      useCodeCache: arch === process.arch,
      // No NODE_OPTIONS, no --node-options.
      execArgvExtension: 'none',
    },
  });
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
