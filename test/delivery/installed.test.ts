import { copyFileSync, cpSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Life, runInAirGap } from './air-gap.ts';
import { builtPackages, NEEDS_OF_BUILD, packageName, VERSION } from './build.ts';
import { OURS } from './order.ts';
import { NEEDS_OF_ROOT, type Root, withRoot } from './root.ts';
import { AGENT_PATH, buildPackage, rpmOfTheirs, shippedDeb } from './small-packages.ts';
import { mustRun, testWith, workDirectory } from './tools.ts';

const NEEDS = [...NEEDS_OF_BUILD, ...NEEDS_OF_ROOT, 'ip'];
type Kind = 'deb' | 'rpm';

/** Shell functions that install and remove packages by the name of their file. */
const TOOLS: Readonly<Record<Kind, string>> = {
  deb: `
install() { on_node dpkg --install "/packages/$1"; }
install_theirs() { on_node dpkg --force-depends --install "/packages/$1"; }
remove() { on_node dpkg --purge ${OURS}; }
`,
  // The root's own packages are no rpms, and it has no rpm of its own.
  rpm: `
rpm_on_node() { rpm --root="$NODE" --dbpath=/var/lib/rpm --nodeps --noplugins "$@"; }
install() { rpm_on_node -U "$NODE/packages/$1"; }
install_theirs() { install "$1"; }
remove() { rpm_on_node -e ${OURS}; }
`,
};

const packages = workDirectory('packages');

/** Names of the files of the package as built, and of a next version, in `packages`. */
function versions(kind: Kind): readonly [string, string] {
  const built = packageName(kind, 'x64');
  copyFileSync(join(builtPackages(), built), join(packages, built));
  const binary = join(builtPackages(), 'linux-x64/kamailio');
  return [built, basename(buildPackage(kind, `${VERSION}.1`, binary, packages))];
}

/** Asserts that every step ended with 0, but those that are named. */
function assertLife({ codes, output }: Life, steps: number, others: Readonly<Record<string, number>>): void {
  const expected = Object.fromEntries(Object.keys(codes).map((name) => [name, others[name] ?? 0]));
  assert.equal(codes, expected, output);
  assert.is(Object.keys(codes).length, steps, output);
}

for (const kind of ['deb', 'rpm'] as const) {
  testWith(
    NEEDS,
    `without Node.js and network the ${kind} installs, and Kamailio lives through upgrade, removal and return`,
    async () => {
      const [one, next] = versions(kind);
      await withRoot((root) => {
        const life = runInAirGap(
          root,
          packages,
          `${TOOLS[kind]}
step 'no node' on_node sh -c '! command -v node && ! command -v nodejs'
step 'no libatomic' on_node sh -c '! ls /usr/lib/*/libatomic.so.1'
step install install ${one}
step meta-data agent meta-data
step validate-all agent validate-all
step start agent start
step monitor agent monitor
step people on_node ocf-kamailio --version
PID=$(pid)
begin_monitors
step upgrade install ${next}
step 'monitors during upgrade' end_monitors
step 'same pid' same_pid "$PID"
step removal remove
step 'an agent' test -e "$NODE$AGENT"
step 'lives on' same_pid "$PID"
step return install ${next}
step 'monitor after return' agent monitor
step stop agent stop
step 'monitor after stop' agent monitor`,
        );
        assertLife(life, 18, { 'an agent': 1, 'monitor after stop': 7 });
      });
    },
  );

  testWith(
    NEEDS,
    `a Kamailio that the shell agent has started goes over to the ${kind}'s, through an upgrade, and back`,
    async () => {
      const [one, next] = versions(kind);
      await withRoot((root) => {
        const life = runInAirGap(
          root,
          packages,
          `${TOOLS[kind]}
KAMCTLRC=
step 'slow shell' slow_shell
step 'shell agent' install_theirs ${theirs(kind, root)}
SUM=$(sha256sum "$NODE$AGENT")
step start agent start
step 'shell monitor' agent monitor
PID=$(pid)
begin_monitors
step install install ${one}
step monitor agent monitor
step upgrade install ${next}
step 'monitor after upgrade' agent monitor
step remove remove
step 'monitors meanwhile' end_monitors
step 'byte for byte' test "$(sha256sum "$NODE$AGENT")" = "$SUM"
step 'shell monitor again' agent monitor
step 'same pid' same_pid "$PID"
step 'shell stop' agent stop`,
        );
        assertLife(life, 14, {});
      });
    },
  );
}

/** The file, below `packages`, of a package resource-agents that ships the real shell agent. */
function theirs(kind: Kind, root: Root): string {
  const deb = shippedDeb(packages);
  if (kind === 'deb') return basename(deb);
  const tree = join(packages, 'tree');
  mustRun('dpkg-deb', ['--extract', deb, tree]);
  // The agent comes by rpm, and finds its library there.
  mkdirSync(join(root.path, 'usr/lib/ocf'), { recursive: true });
  cpSync(join(tree, 'usr/lib/ocf/lib'), join(root.path, 'usr/lib/ocf/lib'), { recursive: true });
  const rpm = rpmOfTheirs(packages, '9.1', readFileSync(join(tree, AGENT_PATH), 'utf8'));
  return rpm.slice(packages.length + 1);
}

test.run();
