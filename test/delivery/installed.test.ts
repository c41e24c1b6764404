import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runInAirGap } from './air-gap.ts';
import { withRoot } from './root.ts';
import { buildPackage } from './small-packages.ts';
import { AS_ROOT, mustRun, type Need, ROOT, testWith } from './tools.ts';

const OURS = 'resource-agents-kamailio';
const BINARY = `${ROOT}dist/linux-x64/kamailio`;
const ON_X64: Need = [process.arch === 'x64', 'this is no x86-64'];
const NEEDS: readonly Need[] = [AS_ROOT, ON_X64, 'debootstrap', 'apt-get', 'unshare', 'ip', 'strip'];

const packages = mkdtempSync(join(tmpdir(), 'ocf-kamailio-packages-'));
test.before(() => {
  if (process.arch === 'x64') mustRun(process.execPath, [`${ROOT}packaging/build-binary.mjs`, 'x64']);
});
test.after(() => rmSync(packages, { recursive: true, force: true }));

const built = new Map<string, string>();

/** A package around the real binary, quickly compressed. */
function build(kind: 'deb' | 'rpm', version: string): string {
  const key = `${kind} ${version}`;
  const path = built.get(key) ?? buildPackage(kind, version, BINARY, packages);
  built.set(key, path);
  return path;
}

function assertCodes(life: { codes: Record<string, number>; output: string }, expected: object): void {
  assert.equal(life.codes, expected, life.output);
}

const LIFE = `
step 'no node' sh -c '! command -v node && ! command -v nodejs'
step meta-data agent meta-data
step validate-all agent validate-all
step start agent start
step monitor agent monitor
step people ocf-kamailio --version
`;
const LIFE_CODES = { 'no node': 0, 'meta-data': 0, 'validate-all': 0, start: 0, monitor: 0, people: 0 };

testWith(
  [...NEEDS, 'dpkg-deb'],
  'without Node.js and network the deb installs, and Kamailio lives through upgrade, purge and return',
  async () => {
    await withRoot((root) => {
      copyFileSync(build('deb', '1.0.1'), join(root, 'ours1.deb'));
      copyFileSync(build('deb', '1.0.2'), join(root, 'ours2.deb'));
      const life = runInAirGap(
        root,
        `step install dpkg --install /ours1.deb
${LIFE}
PID=$(pid)
step upgrade dpkg --install /ours2.deb
step 'monitor after upgrade' agent monitor
step 'same pid' same_pid "$PID"
step purge dpkg --purge ${OURS}
step 'no agent' test -e $AGENT
step 'lives on' same_pid "$PID"
step return dpkg --install /ours2.deb
step 'monitor after return' agent monitor
step stop agent stop
step 'monitor after stop' agent monitor`,
      );
      assertCodes(life, {
        install: 0,
        ...LIFE_CODES,
        upgrade: 0,
        'monitor after upgrade': 0,
        'same pid': 0,
        purge: 0,
        'no agent': 1,
        'lives on': 0,
        return: 0,
        'monitor after return': 0,
        stop: 0,
        'monitor after stop': 7,
      });
    });
  },
);

testWith([...NEEDS, 'rpm', 'rpmbuild'], 'the rpm brings the same life', async () => {
  await withRoot((root) => {
    const rpm = (...words: string[]) =>
      mustRun('rpm', [`--root=${root}`, '--dbpath=/var/lib/rpm', '--nodeps', '--noplugins', ...words]);
    rpm('-i', build('rpm', '1.0.1'));
    const life = runInAirGap(root, `${LIFE}step stop agent stop\nstep 'monitor after stop' agent monitor`);
    assertCodes(life, { ...LIFE_CODES, stop: 0, 'monitor after stop': 7 });
    rpm('-U', build('rpm', '1.0.2'));
    assert.ok(existsSync(join(root, 'usr/lib/ocf/resource.d/heartbeat/kamailio')));
    rpm('-e', OURS);
    assert.not(existsSync(join(root, 'usr/lib/ocf/resource.d/heartbeat/kamailio')));
  });
});

testWith(
  [...NEEDS, 'dpkg-deb'],
  'a Kamailio that the shell agent has started goes over to ours, through an upgrade, and back',
  async () => {
    await withRoot((root) => {
      mustRun('apt-get', ['download', 'resource-agents'], { cwd: root });
      copyFileSync(build('deb', '1.0.1'), join(root, 'ours1.deb'));
      copyFileSync(build('deb', '1.0.2'), join(root, 'ours2.deb'));
      const life = runInAirGap(
        root,
        `KAMCTLRC=
step 'shell agent' dpkg --force-depends --install /resource-agents_*.deb
SUM=$(sha256sum $AGENT)
step start agent start
step 'shell monitor' agent monitor
PID=$(pid)
step install dpkg --force-depends --install /ours1.deb
step monitor agent monitor
step upgrade dpkg --force-depends --install /ours2.deb
step 'monitor after upgrade' agent monitor
step remove dpkg --force-depends --remove ${OURS}
step 'byte for byte' test "$(sha256sum $AGENT)" = "$SUM"
step 'shell monitor again' agent monitor
step 'same pid' same_pid "$PID"
step 'shell stop' agent stop`,
      );
      assertCodes(life, {
        'shell agent': 0,
        start: 0,
        'shell monitor': 0,
        install: 0,
        monitor: 0,
        upgrade: 0,
        'monitor after upgrade': 0,
        remove: 0,
        'byte for byte': 0,
        'shell monitor again': 0,
        'same pid': 0,
        'shell stop': 0,
      });
    });
  },
);

test.run();
