import { copyFileSync, globSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { builtPackages, NEEDS_OF_BUILD, packageName, VERSION } from './build.ts';
import { debianRoot } from './pristine.ts';
import { NEEDS_OF_ROOT, rootOrWhyNot, withRoot } from './root.ts';
import { AGENT_PATH, buildPackage } from './small-packages.ts';
import { mustRun, testWith, workDirectory } from './tools.ts';

const RELEASES = { 'Debian 11': 'bullseye', 'Debian 12': 'bookworm', 'Debian 13': 'trixie' } as const;

const work = workDirectory('needs');

/** Names of the libraries that the rpm asks for. */
function librariesOfRpm(): string[] {
  const needs = mustRun('rpm', ['-qp', '--requires', join(builtPackages(), packageName('rpm', 'x64'))]);
  return [...new Set([...needs.matchAll(/^(\S+\.so[.\d]*)\(/gm)].map(([, name = '']) => name))].sort();
}

for (const [release, codename] of Object.entries(RELEASES)) {
  const { path, need } = rootOrWhyNot(codename, () => debianRoot(codename));
  testWith(
    [...NEEDS_OF_BUILD, ...NEEDS_OF_ROOT, need],
    `a minimal ${release} has all that the packages need: dpkg -i is enough, and the agent runs`,
    async () => {
      await withRoot((root) => {
        const libraries = librariesOfRpm();
        assert.ok(libraries.includes('libstdc++.so.6'), `${libraries}`);
        const places = ['lib', 'lib64', 'usr/lib'].flatMap((place) => [place, `${place}/x86_64-linux-gnu`]);
        const missing = libraries.filter(
          (name) => globSync(places.map((place) => join(root.path, place, name))).length === 0,
        );
        assert.equal(missing, []);
        mkdirSync(join(root.path, 'packages'));
        const deb = packageName('deb', 'x64');
        copyFileSync(join(builtPackages(), deb), join(root.path, 'packages', deb));
        const alone = (...words: string[]) => root.run('unshare', ['--net', 'chroot', root.inside, ...words]);
        const { status, output } = alone('dpkg', '--install', `/packages/${deb}`);
        assert.is(status, 0, output);
        assert.match(alone(AGENT_PATH, '--version').output, `ocf-kamailio ${VERSION} `);
      }, path);
    },
  );
}

testWith(
  NEEDS_OF_BUILD,
  'the deb depends on what its binary is linked against, for both processors, and no package of ours needs libatomic',
  () => {
    for (const arch of ['x64', 'arm64'] as const) {
      const deb = join(builtPackages(), packageName('deb', arch));
      const names = mustRun('dpkg-deb', ['--field', deb, 'Depends'])
        .trim()
        .split(/, | \| /)
        .map((one) => one.replace(/ \(.*/, ''));
      assert.equal(names, ['libc6', 'libgcc-s1', 'libgcc1', 'libstdc++6']);
      const rpm = join(builtPackages(), packageName('rpm', arch));
      assert.not.match(mustRun('rpm', ['-qp', '--requires', rpm]), 'libatomic');
    }
  },
);

testWith(
  [...NEEDS_OF_BUILD, 'openssl'],
  'no deb is made around a binary that needs a library which a minimal Debian does not have',
  () => {
    assert.throws(
      () => buildPackage('deb', VERSION, '/usr/bin/openssl', work),
      /needs libssl\.so\.\d+, libcrypto\.so\.\d+, which a minimal Debian does not have/,
    );
  },
);

test.run();
