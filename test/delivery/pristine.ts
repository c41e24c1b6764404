import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
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

/** The directory `name` of TRIAL, complete: `make` fills it when it is not there yet. */
export function madeOnce(name: string, make: (place: string) => void): string {
  const place = join(TRIAL, name);
  if (existsSync(place)) return place;
  mkdirSync(TRIAL, { recursive: true });
  const work = mkdtempSync(`${place}.new-`);
  try {
    make(join(work, 'made'));
    renameIfNone(join(work, 'made'), place);
    return place;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Two suites may make the same directory at the same time: the first stays. */
function renameIfNone(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
  }
}
