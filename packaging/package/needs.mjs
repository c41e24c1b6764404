// What a package depends on: read from the binary, so that nobody has to think of it when the runtime changes.
import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Programs that print the dynamic section and the version needs of any processor's ELF files. */
const READERS = ['readelf', 'llvm-readelf', 'llvm-readelf-14'];

/**
 * The libraries that a minimal Debian has, by package. `symbols` is the name of their symbol versions, and `release`
 * the version of the package that brought one.
 */
const PACKAGES = [
  {
    files: /^(ld-linux-(x86-64|aarch64)|libc|libm|libdl|libpthread|librt)\.so\.\d+$/,
    symbols: /^GLIBC_([\d.]+)$/,
    release: (version) => version,
    names: (version) => `libc6 (>= ${version})`,
  },
  {
    files: /^libgcc_s\.so\.1$/,
    symbols: /^GCC_([\d.]+)$/,
    release: (version) => version,
    // Debian 10 and Ubuntu 18.04 know it by its former name.
    names: (version) => `libgcc-s1 (>= ${version}) | libgcc1 (>= 1:${version})`,
  },
  {
    files: /^libstdc\+\+\.so\.6$/,
    symbols: /^((?:GLIBCXX|CXXABI)_[\d.]+)$/,
    release: releaseOfGcc,
    names: (version) => `libstdc++6 (>= ${version})`,
  },
];

/** Which GCC brought which symbol versions of libstdc++: gcc.gnu.org/onlinedocs/libstdc++/manual/abi.html. */
const GCC_OF_GLIBCXX = {
  21: 5,
  22: 6,
  23: 7,
  24: 7,
  25: 8,
  26: 9,
  27: 9,
  28: 9,
  29: 11,
  30: 12,
  31: 13,
  32: 13,
  33: 14,
};
const GCC_OF_CXXABI = { 9: 5, 10: 6, 11: 7, 12: 9, 13: 11, 14: 13, 15: 14 };

/**
 * The dependencies of a Debian package around `executable`, for its field Depends; empty for a script. Throws if the
 * executable needs a library that a minimal Debian does not have: an air-gapped node could not install the package.
 */
export async function debianDependencies(executable) {
  if (!(await isElf(executable))) return [];
  const needs = await readNeeds(executable);
  const unknown = Object.keys(needs).filter((file) => !PACKAGES.some(({ files }) => files.test(file)));
  if (unknown.length > 0)
    throw new Error(`${executable} needs ${unknown.join(', ')}, which a minimal Debian does not have`);
  return PACKAGES.flatMap(({ files, symbols, release, names }) => {
    const found = Object.entries(needs).filter(([file]) => files.test(file));
    const versions = found.flatMap(([, ones]) => ones).flatMap((one) => symbols.exec(one)?.[1] ?? []);
    return versions.length > 0 ? [names(versions.map(release).reduce(newer))] : [];
  });
}

async function isElf(path) {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString('latin1') === '\x7fELF';
  } finally {
    await file.close();
  }
}

/** The libraries that an ELF file is linked against, each with the symbol versions that it asks for. */
async function readNeeds(path) {
  const output = await readElf(path);
  const needs = {};
  for (const [, file] of output.matchAll(/\(NEEDED\)\s+Shared library: \[(.+)\]/g)) needs[file] = [];
  let versions = [];
  for (const [, file, name] of output.matchAll(/\bFile: (\S+)|\bName: ([A-Z]\w*_[\d.]+)\s+Flags/g)) {
    if (file) versions = needs[file] ??= [];
    else versions.push(name);
  }
  return needs;
}

async function readElf(path) {
  for (const reader of READERS) {
    try {
      const { stdout } = await run(reader, ['--wide', '--dynamic', '--version-info', path], {
        env: { ...process.env, LC_ALL: 'C' },
        maxBuffer: 64 * 1024 * 1024,
      });
      return stdout;
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
  }
  throw new Error(`none of ${READERS.join(', ')} is installed; install binutils`);
}

function releaseOfGcc(symbol) {
  const [, kind, last] = /^(\w+)_[\d.]*?(\d+)$/.exec(symbol);
  const table = kind === 'CXXABI' ? GCC_OF_CXXABI : GCC_OF_GLIBCXX;
  const [oldest, newest] = [Object.keys(table).at(0), Object.keys(table).at(-1)];
  if (Number(last) > Number(newest))
    throw new Error(`${symbol} is of a GCC that ${import.meta.url} does not know`);
  return String(table[Math.max(Number(last), Number(oldest))]);
}

function newer(one, another) {
  return one.localeCompare(another, 'en', { numeric: true }) < 0 ? another : one;
}
