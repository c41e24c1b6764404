import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cloneSource } from './build.ts';
import { NEEDS_OF_ROOT, withRoot } from './root.ts';
import { mustRun, type Need, ROOT, type Run, run, testWith, workDirectory } from './tools.ts';

const work = workDirectory('set-up');
const SETUP = 'packaging/dev/setup.sh';

/** As a person calls it: by the machine's Node.js, whose npm may not know that of the suites. */
function setUp(clone: string): Run {
  const places = (process.env.PATH ?? '').split(':').filter((place) => !place.includes('node_modules'));
  return run('sh', [SETUP, 'kamailio'], { cwd: clone, env: { PATH: places.join(':') } });
}

const HAS_REGISTRY: Need = [run('npm', ['view', 'mri', 'version']).status === 0, 'npm reaches no registry'];

testWith(
  ['git', 'kamailio', HAS_REGISTRY],
  'the set-up of a fresh clone installs what the lock file says, changes no file of the project, and warns of nothing',
  () => {
    const clone = join(work, 'clone');
    cloneSource(clone);
    rmSync(join(clone, 'node_modules'));
    const before = mustRun('git', ['status', '--porcelain'], { cwd: clone });
    const { status, output } = setUp(clone);
    assert.is(status, 0, output);
    assert.not.match(output, /warn/i, output);
    assert.is(mustRun('git', ['status', '--porcelain'], { cwd: clone }), before);
    for (const program of ['tsc', 'biome', 'esbuild', 'node'])
      assert.ok(existsSync(join(clone, 'node_modules/.bin', program)), program);
    assert.is(setUp(clone).output, '', 'the second time there is nothing to do');
  },
);

testWith(
  NEEDS_OF_ROOT,
  'the set-up asks nothing about a configuration file that is there already, and leaves it as it is',
  async () => {
    await withRoot(({ path, inside, run }) => {
      const place = (name: string) => join(path, 'project', name);
      mkdirSync(dirname(place(SETUP)), { recursive: true });
      copyFileSync(`${ROOT}${SETUP}`, place(SETUP));
      // The npm packages count as installed.
      mkdirSync(place('node_modules'));
      for (const name of ['package.json', 'package-lock.json', 'node_modules/.package-lock.json'])
        writeFileSync(place(name), '{}\n');
      for (const name of ['package.json', 'package-lock.json']) utimesSync(place(name), 0, 0);
      for (const file of ['resolv.conf', 'hosts']) copyFileSync(`/etc/${file}`, join(path, 'etc', file));
      const file = join(path, 'etc/screenrc');
      writeFileSync(file, 'made by a person\n');
      const words = [inside, 'sh', join('/project', SETUP), 'screen'];
      const { status, output } = run('chroot', words, { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } });
      assert.is(status, 0, output);
      assert.match(output, 'setup: installing with apt-get: screen');
      assert.is(readFileSync(file, 'utf8'), 'made by a person\n');
      assert.ok(existsSync(join(path, 'usr/bin/screen')), 'the package is not installed');
    });
  },
);

test.run();
