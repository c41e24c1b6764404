import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { mustRun, ROOT } from './tools.ts';

/** What suites make once and keep, beside what they test. */
export const TRIAL = `${ROOT}dist/trial`;

/** Where a root has the files of the packages that apt has fetched. */
const ARCHIVES = 'var/cache/apt/archives';

/** The server that the agent manages, and tools of the shell agent. Nothing for our binary. */
const PACKAGES = ['kamailio', 'sipsak', 'procps'];

/**
 * A minimal Debian of the machine's own release, without Node.js, resource-agents and a network.
 */
export function pristineRoot(): string {
  const { codename } = packageSource();
  return madeOnce([codename, ...PACKAGES].join('-'), (place) =>
    copyWith(place, debianRoot(codename), PACKAGES),
  );
}

/**
 * The smallest Debian of a release, from the machine's own package source. Made once by debootstrap; nobody changes it,
 * see withRoot. Throws with debootstrap's words when the package source does not have the release.
 */
export function debianRoot(codename: string): string {
  const { site } = packageSource();
  return madeOnce(`${codename}-minimal`, (place) => {
    // It mounts a /proc of its own, which is not to stay when it is ended on the way.
    mustRun('unshare', ['--mount', 'debootstrap', '--variant=minbase', codename, place, site], {
      limitMs: 480_000,
      env: { DEBIAN_FRONTEND: 'noninteractive' },
    });
    rmSync(join(place, ARCHIVES), { recursive: true, force: true });
    // No server of a package is to start there.
    const policy = join(place, 'usr/sbin/policy-rc.d');
    writeFileSync(policy, '#!/bin/sh\nexit 101\n');
    chmodSync(policy, 0o755);
    writeFileSync(join(place, 'etc/hosts'), '127.0.0.1 localhost\n::1 localhost\n');
    copyFileSync('/etc/resolv.conf', join(place, 'etc/resolv.conf'));
  });
}

/** Makes `place` a copy of the root `base`, with more of its release's packages. `keep` is one whose file stays there. */
export function copyWith(
  place: string,
  base: string,
  packages: readonly string[],
  keep?: { readonly name: string; readonly path: string },
): void {
  mustRun('cp', ['--archive', base, place]);
  const archives = join(place, ARCHIVES);
  mkdirSync(join(archives, 'partial'), { recursive: true });
  aptGet(place, 'update');
  aptGet(place, 'install', '--yes', '--no-install-recommends', ...packages);
  if (keep) {
    const file = readdirSync(archives).find((name) => name.startsWith(`${keep.name}_`));
    if (file === undefined) throw new Error(`apt-get has left no file of ${keep.name} in ${archives}`);
    mkdirSync(dirname(join(place, keep.path)), { recursive: true });
    renameSync(join(archives, file), join(place, keep.path));
  }
  for (const path of [ARCHIVES, 'var/lib/apt/lists'])
    rmSync(join(place, path), { recursive: true, force: true });
}

/** Runs the root's own apt-get; it resolves what debootstrap's --include does not, such as alternatives. */
function aptGet(root: string, ...words: readonly string[]): void {
  const alone = ['--mount', '--pid', '--fork', '--kill-child', `--mount-proc=${join(root, 'proc')}`];
  const options = [
    'Dpkg::Options::=--force-unsafe-io',
    'APT::Sandbox::User=root',
    'Acquire::Retries=3',
    // A mirror may be weeks behind sid. Who has signed it is checked all the same.
    'Acquire::Check-Valid-Until=false',
  ].flatMap((option) => ['-o', option]);
  mustRun('unshare', [...alone, 'chroot', root, 'apt-get', '-qq', ...options, ...words], {
    limitMs: 480_000,
    env: { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
}

/** Where apt gets libc6 from: other sources may stand in its list, too. */
function packageSource(): { readonly site: string; readonly codename: string } {
  const format = '$(SITE) $(CODENAME) $(ORIGIN)';
  const sources = mustRun('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  for (const line of sources.split('\n')) {
    const [site, codename, origin] = line.split(' ');
    // Updates of a release carry its name with something behind it.
    if (site && codename && !codename.includes('-') && /^(Debian|Ubuntu)$/.test(origin ?? ''))
      return { site, codename };
  }
  throw new Error('apt knows no package source of Debian or Ubuntu');
}

/**
 * The directory `name` of TRIAL, complete: `make` fills it when it is not there yet. A suite that needs it while another
 * makes it waits.
 */
export function madeOnce(name: string, make: (place: string) => void): string {
  const place = join(TRIAL, name);
  if (existsSync(place)) return place;
  mkdirSync(TRIAL, { recursive: true });
  withLock(`${place}.lock`, () => {
    if (existsSync(place)) return;
    const work = mkdtempSync(`${place}.new-`);
    try {
      make(join(work, 'made'));
      renameSync(join(work, 'made'), place);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  });
  return place;
}

/** flock(1) locks the open file that it is handed, so the lock is this process's, and ends with it at the latest. */
function withLock(path: string, body: () => void): void {
  const file = openSync(path, 'w');
  try {
    const { status, error } = spawnSync('flock', ['3'], { stdio: ['ignore', 'ignore', 'inherit', file] });
    if (status !== 0) throw new Error(`flock of ${path} ended with ${status}: ${error?.message ?? ''}`);
    body();
  } finally {
    closeSync(file);
  }
}
