import { chmodSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { debianRoot, madeOnce } from '../delivery/pristine.ts';
import { mustRun } from '../delivery/tools.ts';

/** The releases of Debian beside the machine's own that the suites try, by the name that debootstrap knows. */
export const RELEASES: Readonly<Record<string, string>> = {
  bullseye: 'Debian 11',
  trixie: 'Debian 13',
  sid: 'Debian sid',
};

/** Those that this run tries: all, or the one in the environment's RELEASE. */
export const RELEASES_NOW = Object.entries(RELEASES).filter(
  ([codename]) => codename === (process.env.RELEASE ?? codename),
);

/** What a node of a cluster has, and what the checks call. */
const PACKAGES = [
  ...['kamailio', 'kamailio-tls-modules', 'resource-agents', 'sipsak'],
  ...['corosync', 'pacemaker', 'pacemaker-cli-utils', 'pcs', 'crmsh'],
  ...['procps', 'iproute2', 'openssl', 'libxml2-utils'],
];

/** What else a release needs: kamctl calls column, and the kamailio of Debian 11 does not depend on it. */
const MORE_PACKAGES: Readonly<Record<string, readonly string[]>> = { bullseye: ['bsdextrautils'] };

/**
 * A root with a release's own Kamailio, shell agent and cluster, and without Node.js unless `more` packages say so. Made
 * once, in some minutes; nobody changes it. Throws with debootstrap's words when the package source does not have the
 * release.
 */
export function releaseRoot(codename: string, more: readonly string[] = []): string {
  return madeOnce([codename, 'release', ...more].join('-'), (place) => {
    mustRun('cp', ['--archive', debianRoot(codename, []), place]);
    // No server of the packages is to start here.
    const policy = join(place, 'usr/sbin/policy-rc.d');
    writeFileSync(policy, '#!/bin/sh\nexit 101\n');
    chmodSync(policy, 0o755);
    writeFileSync(join(place, 'etc/hosts'), '127.0.0.1 localhost\n::1 localhost\n');
    copyFileSync('/etc/resolv.conf', join(place, 'etc/resolv.conf'));
    mkdirSync(join(place, 'var/cache/apt/archives/partial'), { recursive: true });
    apt(place, 'update');
    const packages = [...PACKAGES, ...(MORE_PACKAGES[codename] ?? []), ...more];
    apt(place, 'install', '--yes', '--no-install-recommends', ...packages);
    apt(place, 'clean');
    rmSync(join(place, 'var/lib/apt/lists'), { recursive: true, force: true });
  });
}

/** Runs the root's own apt-get; it resolves what debootstrap's --include does not, such as alternatives. */
function apt(root: string, ...words: readonly string[]): void {
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
