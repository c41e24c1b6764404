import { copyWith, debianRoot, madeOnce } from '../delivery/pristine.ts';

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

/** Where a root has the package with the release's own agents. */
export const SHELL_AGENTS_DEB = '/packages/resource-agents.deb';

/** What else a release needs: kamctl calls column, and the kamailio of Debian 11 does not depend on it. */
const MORE_PACKAGES: Readonly<Record<string, readonly string[]>> = { bullseye: ['bsdextrautils'] };

/**
 * A root with a release's own Kamailio, shell agent and cluster, and without Node.js. Made once, in some minutes; nobody
 * changes it. Throws with debootstrap's words when the package source does not have the release.
 */
export function releaseRoot(codename: string): string {
  const packages = [...PACKAGES, ...(MORE_PACKAGES[codename] ?? [])];
  return madeOnce(`${codename}-node`, (place) =>
    copyWith(place, debianRoot(codename), packages, { name: 'resource-agents', path: SHELL_AGENTS_DEB }),
  );
}

/** The same with the release's Node.js. */
export function releaseRootWithNode(codename: string): string {
  const base = releaseRoot(codename);
  return madeOnce(`${codename}-node-nodejs`, (place) => copyWith(place, base, ['nodejs']));
}
