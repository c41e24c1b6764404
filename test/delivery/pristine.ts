import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun, ROOT } from './tools.ts';

/** What suites make once and keep, beside what they test. */
export const TRIAL = `${ROOT}dist/trial`;

/** The server that the agent manages, and tools of the shell agent. Nothing for our binary. */
const PACKAGES = ['kamailio', 'sipsak', 'procps'];

/**
 * A minimal Debian of the machine's own release, without Node.js, resource-agents and a network.
 */
export function pristineRoot(): string {
  return debianRoot(packageSource().codename, PACKAGES);
}

/**
 * The smallest Debian of a release, with these packages, from the machine's own package source. Made once by
 * debootstrap; nobody changes it, see withRoot.
 */
export function debianRoot(codename: string, packages: readonly string[]): string {
  const { site } = packageSource();
  return madeOnce([codename, 'minimal', ...packages].join('-'), (place) => {
    const include = packages.length > 0 ? [`--include=${packages.join(',')}`] : [];
    const args = ['--variant=minbase', ...include, codename, place, site];
    // It mounts a /proc of its own, which is not to stay when it is ended on the way.
    mustRun('unshare', ['--mount', 'debootstrap', ...args], {
      limitMs: 480_000,
      env: { DEBIAN_FRONTEND: 'noninteractive' },
    });
    rmSync(join(place, 'var/cache/apt/archives'), { recursive: true, force: true });
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
