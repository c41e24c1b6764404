// The base runtimes of the standalone binaries: npm packages of one version, each checked against its hash.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
/** Lives and dies with the npm packages. */
const cache = join(root, 'node_modules/.cache/ocf-kamailio');

/** Version, packages and hashes; to move to another version, change them and package.json together. */
export const RUNTIMES = JSON.parse(readFileSync(new URL('runtimes.json', import.meta.url), 'utf8'));

/**
 * Path of the runtime's executable for `arch` (x64, arm64). It is taken from node_modules, or fetched by
 * npm's own client where npm does not install the package of a foreign processor. Throws when a hash is not
 * the pinned one.
 */
export async function baseRuntime(arch) {
  const { package: name, integrity, executable } = RUNTIMES[arch];
  const installed = join(root, 'node_modules', name, 'bin/node');
  const path = existsSync(installed)
    ? installed
    : join(await npmPackage(name, RUNTIMES.version, integrity), 'bin/node');
  await verify(path, executable, `${name} ${RUNTIMES.version}`);
  return path;
}

/** Path of the licences of Node.js and all that is inside it. */
export async function runtimeLicence(arch) {
  const executable = await baseRuntime(arch);
  return join(executable, '../../LICENSE');
}

/**
 * Path of a Node.js as npm packages it, with its bin/node and LICENSE. npm's own client fetches it when it is
 * not in the cache yet. Throws when the package's hash is not `integrity`.
 */
export async function npmPackage(name, version, integrity) {
  const place = join(cache, `${name}-${version}`);
  if (existsSync(place)) return place;
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'fetch-'));
  try {
    const tarball = join(work, `${name}-${version}.tgz`);
    await run('npm', ['pack', `${name}@${version}`, '--ignore-scripts', '--pack-destination', work], {
      cwd: work,
    }).catch((error) => {
      throw new Error(`npm cannot provide ${name} ${version}: ${lastLine(error.stderr)}`);
    });
    await verify(tarball, integrity, `the package ${name} ${version}`);
    await run('tar', ['-xzf', tarball, '-C', work, 'package/bin/node', 'package/LICENSE']);
    // A build beside this one may have been faster.
    await rename(join(work, 'package'), place).catch((error) => {
      if (!existsSync(place)) throw error;
    });
    return place;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Throws when the file's hash is not `expected` (as npm writes it: sha512-BASE64). */
export async function verify(path, expected, what) {
  const hash = createHash('sha512');
  await pipeline(createReadStream(path), hash);
  const found = `sha512-${hash.digest('base64')}`;
  if (found === expected) return;
  throw new Error(`${what} is not the pinned one: ${path} has ${found}, not ${expected}`);
}

function lastLine(text) {
  return String(text).trim().split('\n').at(-1);
}
