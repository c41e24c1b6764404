import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun } from './tools.ts';

/** What the binary needs of the system, the server that it is to look after, and tools of the shell agent. No Node.js. */
const PACKAGES = ['libatomic1', 'kamailio', 'sipsak', 'procps'];

/**
 * A minimal Debian of the machine's own release, without Node.js, resource-agents and a network. Made once by
 * debootstrap from the machine's own package source, and kept in the directory for temporary files.
 */
function pristineRoot(): string {
  const [site, codename] =
    mustRun('apt-get', ['indextargets', '--format', '$(SITE) $(CODENAME)', 'Created-By: Packages'])
      .split('\n')
      .filter((line) => !/-(updates|security|backports)/.test(line) && !line.includes('security'))[0]
      ?.split(' ') ?? [];
  if (!site || !codename) throw new Error('apt knows no package source');
  const place = join(tmpdir(), `ocf-kamailio-root-${codename}-${PACKAGES.join('-')}`);
  if (existsSync(join(place, '.complete'))) return place;
  const work = mkdtempSync(`${place}.`);
  try {
    const args = ['--variant=minbase', `--include=${PACKAGES.join(',')}`, codename, join(work, 'root'), site];
    mustRun('debootstrap', args, { limitMs: 420_000, env: { DEBIAN_FRONTEND: 'noninteractive' } });
    rmSync(join(work, 'root/var/cache/apt/archives'), { recursive: true, force: true });
    writeFileSync(join(work, 'root/.complete'), '');
    rmSync(place, { recursive: true, force: true });
    renameSync(join(work, 'root'), place);
    return place;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Runs `body` with a copy of the minimal Debian, which is gone afterwards. */
export async function withRoot(body: (root: string) => Promise<void> | void): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'ocf-kamailio-delivery-'));
  const root = join(work, 'root');
  try {
    mustRun('cp', ['-a', pristineRoot(), root]);
    await body(root);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** A directory of the test's own, gone afterwards. */
export async function withDirectory(body: (directory: string) => Promise<void> | void): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'ocf-kamailio-delivery-'));
  try {
    await body(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
