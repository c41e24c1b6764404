// npm run build:binary: dist/linux-x64/kamailio and dist/linux-arm64/kamailio, the bundle of dist/kamailio
// inside a Node.js runtime. `npm run build:binary -- x64` builds one of them.
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { baseRuntime } from './binary/runtime.mjs';
import { stripped } from './binary/strip.mjs';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
export const ARCHITECTURES = ['x64', 'arm64'];

/** Builds the bundle and the binaries for `architectures`. Throws with one line that says what is wrong. */
export async function buildBinaries(architectures = ARCHITECTURES) {
  const { stdout } = await run(process.execPath, ['build.mjs'], { cwd: root }).catch((error) => {
    throw new Error(`the bundle cannot be built: ${error.stderr.trim() || error.message}`);
  });
  console.log(stdout.trim());
  const work = await mkdtemp(join(tmpdir(), 'ocf-kamailio-binary-'));
  try {
    // The generator of the data runs here, whatever the target is.
    const host = await baseRuntime(process.arch);
    await writeFile(join(work, 'agent.js'), await agentSource());
    for (const arch of architectures) await buildBinary(work, host, arch);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The bundle as a script of its own: no interpreter line, and the prelude first. */
async function agentSource() {
  const bundle = await readFile(`${root}dist/kamailio`, 'utf8');
  const prelude = await readFile(new URL('binary/prelude.js', import.meta.url), 'utf8');
  return prelude + bundle.replace(/^#!.*\n/, '');
}

async function buildBinary(work, host, arch) {
  const target = `${root}dist/linux-${arch}/kamailio`;
  await mkdir(dirname(target), { recursive: true });
  const base = join(work, `node-${arch}`);
  try {
    await stripped(arch, await baseRuntime(arch), base);
    await chmod(base, 0o755);
    const inject = fileURLToPath(new URL('binary/inject.mjs', import.meta.url));
    const env = { PATH: process.env.PATH, LC_ALL: 'C', TMPDIR: work };
    await run(host, [inject, join(work, 'agent.js'), base, arch, `${target}.new`], { env }).catch((error) => {
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
