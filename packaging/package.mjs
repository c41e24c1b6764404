// npm run package: deb and rpm for both processors, and dist/SHA256SUMS. Needs no root.
//
//   npm run package -- [--arch=x64|arm64] [--kind=deb|rpm] [--level=0..9|none]
//
// A kind whose tool is missing is left out with a word on where to get it, and the exit code is 1. --level is
// that of xz, 6 by default: lower is faster and larger, none is uncompressed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ARCHITECTURES, buildBinaries } from './build-binary.mjs';
import { buildDeb } from './package/deb.mjs';
import { buildRpm } from './package/rpm.mjs';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));

const KINDS = {
  deb: { build: buildDeb, tool: 'dpkg-deb', from: 'dpkg (Debian, Ubuntu, Fedora, SUSE: package dpkg)' },
  rpm: { build: buildRpm, tool: 'rpmbuild', from: 'rpm (Debian, Ubuntu), rpm-build (RHEL, Fedora, SUSE)' },
};

/**
 * Builds one package and returns its path.
 *
 * @param options.agent file that becomes the agent
 * @param options.version instead of the source's own
 * @param options.output directory that the package goes to
 */
export async function buildPackage(kind, { arch, agent, version, output, level = '6' }) {
  const source = builtSource();
  const work = await mkdtemp(join(tmpdir(), 'ocf-kamailio-package-'));
  let target;
  try {
    const man = await readFile(`${dist}ocf_heartbeat_kamailio.7`);
    await mkdir(join(work, 'tmp'));
    const built = await KINDS[kind].build({
      arch,
      agent,
      man,
      source: { ...source, version: version ?? source.version },
      level,
      work,
    });
    target = join(output, basename(built));
    await copyFile(built, `${target}.new`);
    await rename(`${target}.new`, target);
    return target;
  } catch (error) {
    throw new Error(`cannot make the ${kind} for ${arch}: ${error.stderr?.trim() || error.message}`);
  } finally {
    await rm(work, { recursive: true, force: true });
    if (target) await rm(`${target}.new`, { force: true });
  }
}

/** Version, commit and time of the source that dist/ was built from: build.mjs leaves them there. */
function builtSource() {
  return JSON.parse(readFileSync(`${dist}package.json`, 'utf8'));
}

/** Sums of everything in dist/ that is handed on, in the form of `sha256sum -c`. */
export async function writeSums() {
  const binaries = ARCHITECTURES.map((arch) => `linux-${arch}/kamailio`).filter((name) =>
    existsSync(dist + name),
  );
  const others = (await readdir(dist)).filter((name) => /^kamailio$|\.(7|deb|rpm)$/.test(name));
  const names = [...binaries, ...others].sort();
  const lines = [];
  for (const name of names) {
    const sum = createHash('sha256').update(await readFile(join(dist, name)));
    lines.push(`${sum.digest('hex')}  ${name}\n`);
  }
  await writeFile(`${dist}SHA256SUMS.new`, lines.join(''));
  await rename(`${dist}SHA256SUMS.new`, `${dist}SHA256SUMS`);
}

function isInstalled(tool) {
  return spawnSync(tool, ['--version'], { stdio: 'ignore' }).error === undefined;
}

async function main() {
  const { values } = parseArgs({
    options: { arch: { type: 'string' }, kind: { type: 'string' }, level: { type: 'string' } },
  });
  const kinds = values.kind ? [values.kind] : Object.keys(KINDS);
  const architectures = values.arch ? [values.arch] : ARCHITECTURES;
  const unknown = [
    ...kinds.filter((kind) => !KINDS[kind]),
    ...architectures.filter((arch) => !ARCHITECTURES.includes(arch)),
  ];
  if (unknown.length > 0) throw new Error(`no package is made for ${unknown.join(', ')}`);
  const level = values.level ?? '6';
  if (!/^(\d|none)$/.test(level)) throw new Error(`--level=${level} is not between 0 and 9, and not none`);
  const missing = kinds.filter((kind) => !isInstalled(KINDS[kind].tool));
  await buildBinaries(architectures);
  // Packages of an earlier version would end up in SHA256SUMS.
  for (const name of await readdir(dist)) if (/\.(deb|rpm)$/.test(name)) await rm(join(dist, name));
  const jobs = architectures.flatMap((arch) =>
    kinds.filter((kind) => !missing.includes(kind)).map((kind) => ({ kind, arch })),
  );
  // xz keeps a processor busy for a minute: two packages at a time.
  const worker = async () => {
    for (let job = jobs.shift(); job; job = jobs.shift()) {
      const agent = `${dist}linux-${job.arch}/kamailio`;
      const path = await buildPackage(job.kind, { arch: job.arch, agent, output: dist, level });
      console.log(
        `${path.slice(dist.length - 'dist/'.length)}: ${((await readFile(path)).length / 1e6).toFixed(1)} MB`,
      );
    }
  };
  await Promise.all([worker(), worker()]);
  await writeSums();
  for (const kind of missing) {
    console.error(
      `package: no ${kind} was built: ${KINDS[kind].tool} is missing; it comes with ${KINDS[kind].from}`,
    );
    process.exitCode = 1;
  }
}

if (import.meta.main) {
  await main().catch((error) => {
    console.error(`package: ${error.message}`);
    process.exitCode = 1;
  });
}
