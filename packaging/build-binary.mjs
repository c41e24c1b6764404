// npm run build:binary: dist/linux-x64/kamailio and dist/linux-arm64/kamailio, the bundle of dist/kamailio
// inside a Node.js runtime. `npm run build:binary -- x64` builds one of them.
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { baseRuntime, RUNTIMES } from './binary/runtime.mjs';
import { stripped } from './binary/strip.mjs';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
export const ARCHITECTURES = ['x64', 'arm64'];

/** Builds the bundle and the binaries for `architectures`. Throws with one line that says what is wrong. */
export async function buildBinaries(architectures = ARCHITECTURES) {
  await import('../build.mjs');
  const work = await mkdtemp(join(tmpdir(), 'ocf-kamailio-binary-'));
  try {
    // The generator of the data runs here, whatever the target is.
    const host = await baseRuntime(process.arch);
    for (const arch of new Set([process.arch, ...architectures])) await offerBase(work, arch);
    for (const arch of architectures) {
      await writeFile(join(work, 'agent.js'), await agentSource(arch));
      await buildBinary(work, host, arch);
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Puts the stripped runtime where pkg looks for its downloads, with the marks of a complete one. */
async function offerBase(work, arch) {
  const name = `node-v${RUNTIMES.version}-linux-${arch}`;
  const cache = join(work, '.pkg-cache/sea');
  await mkdir(join(cache, name, 'bin'), { recursive: true });
  await stripped(arch, await baseRuntime(arch), join(cache, name, 'bin/node'));
  await chmod(join(cache, name, 'bin/node'), 0o755);
  for (const mark of [`${name}.tar.gz`, `${name}.tar.gz.ok`, `${name}/bin/node.ok`])
    await writeFile(join(cache, mark), '');
}

/** The bundle as a script of its own: no interpreter line, and the prelude first. */
async function agentSource(arch) {
  const bundle = await readFile(`${root}dist/kamailio`, 'utf8');
  const prelude = await readFile(new URL('binary/prelude.js', import.meta.url), 'utf8');
  // Where compiled code comes along, it is to be all of it, not just the outermost function: 1 ms less a call.
  const hint = arch === process.arch ? '//# allFunctionsCalledOnLoad\n' : '';
  return hint + prelude.replace(/^\/\/.*\n/gm, '') + bundle.replace(/^#!.*\n/, '');
}

async function buildBinary(work, host, arch) {
  const target = `${root}dist/linux-${arch}/kamailio`;
  await mkdir(dirname(target), { recursive: true });
  try {
    const inject = fileURLToPath(new URL('binary/inject.mjs', import.meta.url));
    const env = { PATH: process.env.PATH, LC_ALL: 'C' };
    await run(host, [inject, work, arch, `${target}.new`], { env }).catch((error) => {
      throw new Error(`pkg cannot make the binary for ${arch}: ${error.stderr.trim() || error.message}`);
    });
    await chmod(`${target}.new`, 0o755);
    if (arch === process.arch) await run(`${target}.new`, ['--version'], { env: {} });
    // The old one may be running.
    await rename(`${target}.new`, target);
  } finally {
    await rm(`${target}.new`, { force: true });
  }
  console.log(`dist/linux-${arch}/kamailio: ${((await readFile(target)).length / 1e6).toFixed(1)} MB`);
}

if (import.meta.main) {
  const chosen = process.argv.slice(2);
  try {
    const unknown = chosen.find((arch) => !ARCHITECTURES.includes(arch));
    if (unknown) throw new Error(`no binary is made for ${unknown}; there are ${ARCHITECTURES.join(', ')}`);
    await buildBinaries(chosen.length > 0 ? chosen : ARCHITECTURES);
  } catch (error) {
    console.error(`build:binary: ${error.message}`);
    process.exitCode = 1;
  }
}
