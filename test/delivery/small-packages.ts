import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { mustRun, ROOT } from './tools.ts';

export const AGENT_PATH = '/usr/lib/ocf/resource.d/heartbeat/kamailio';
export const MAN_PATH = '/usr/share/man/man7/ocf_heartbeat_kamailio.7.gz';

/** Contents of the agents that the packages of the order matrix carry. */
export const AGENTS = {
  ours1: script('ocf-kamailio 1.0.1'),
  ours2: script('ocf-kamailio 1.0.2'),
  theirs1: script('the shell agent'),
  theirs2: script('the shell agent, newer'),
  byHand: script('made by hand'),
} as const;

/** An agent that ends as a binary does whose library is missing, until there is a file /libmissing.so.1. */
export const WITHOUT_LIBRARY = script('ocf-kamailio 1.0.3').replace(
  '\n',
  `\nif [ ! -e /libmissing.so.1 ]; then
  echo "kamailio: error while loading shared libraries: libmissing.so.1: cannot open shared object file" >&2
  exit 127
fi\n`,
);

/** What leads to an agent while a binary is about to take its place; see packaging/handover.sh. */
export const HANDOVER = /^#!\/bin\/sh \/usr\/share\/resource-agents-kamailio\/.*\nexec '([^']+)' "\$@"\n$/s;

/** Long enough that a part of it could be seen. */
function script(says: string): string {
  return `#!/bin/sh\necho "${says}" "$@"\n${'# padding\n'.repeat(50_000)}`;
}

/** Our package as the build makes it, but around a script: the way of the files is the same, and quick. */
export function buildOurs(kind: 'deb' | 'rpm', version: string, agent: string, directory: string): string {
  const file = join(directory, `agent-${version}`);
  writeFileSync(file, agent, { mode: 0o755 });
  return buildPackage(kind, version, file, directory);
}

/** The deb with one more file, at `path`. */
export function withMoreFiles(deb: string, path: string): string {
  const tree = `${deb}.more`;
  mustRun('dpkg-deb', ['--raw-extract', deb, tree]);
  writeFileSync(join(tree, path), 'one more file\n');
  mustRun('dpkg-deb', ['--root-owner-group', '-Znone', '--build', tree, deb]);
  return deb;
}

/** Our package around `agent`, by the project's own build, uncompressed. Returns its path. */
export function buildPackage(kind: 'deb' | 'rpm', version: string, agent: string, directory: string): string {
  const code = `import { buildPackage } from '${ROOT}packaging/package.mjs';
    const [, kind, agent, version, output] = process.argv;
    console.log(await buildPackage(kind, { arch: 'x64', agent, version, output, level: 'none' }));`;
  const words = ['--input-type=module', '-e', code, kind, agent, version, directory];
  // What it needs on the way goes with the suite's directory, should the suite be ended.
  return mustRun(process.execPath, words, { env: { TMPDIR: directory } }).trim();
}

/** The package resource-agents of the machine's own release, fetched by apt. Returns its path. */
export function shippedDeb(directory: string): string {
  mustRun('apt-get', ['download', 'resource-agents'], { cwd: directory });
  const name = readdirSync(directory).find((file) => /^resource-agents_.*\.deb$/.test(file));
  return join(directory, name ?? '');
}

/** Two versions of resource-agents; no other file of it is changed but the agent. */
export function debOfTheirs(directory: string): readonly [string, string] {
  const original = shippedDeb(directory);
  const first = repack(directory, original, '1:9.1', AGENTS.theirs1);
  return [first, repack(directory, original, '1:9.2', AGENTS.theirs2)];
}

/** The real package with its own maintainer scripts, under another version and with a known agent. */
function repack(directory: string, original: string, version: string, agent: string): string {
  const tree = join(directory, `theirs-${version.replace(':', '.')}`);
  mustRun('dpkg-deb', ['--raw-extract', original, tree]);
  writeFileSync(join(tree, AGENT_PATH), agent, { mode: 0o755 });
  const control = readFileSync(join(tree, 'DEBIAN/control'), 'utf8');
  writeFileSync(join(tree, 'DEBIAN/control'), control.replace(/^Version: .*$/m, `Version: ${version}`));
  // What else it holds makes each step slower and plays no part.
  mustRun('sh', [
    '-c',
    'cd "$1/usr/lib/ocf/resource.d/heartbeat" && find . -type f ! -name kamailio ! -name IPaddr2 -delete',
    'sh',
    tree,
  ]);
  mustRun('sh', ['-c', 'cd "$1" && find usr -type f -exec md5sum {} + >DEBIAN/md5sums', 'sh', tree]);
  const target = `${tree}.deb`;
  mustRun('dpkg-deb', ['--root-owner-group', '-Znone', '--build', tree, target]);
  return target;
}

/** A package `in-the-way` that has one file. */
export function debWithFile(directory: string, path: string): string {
  const tree = join(directory, 'in-the-way');
  for (const part of [dirname(path), 'DEBIAN']) mkdirSync(join(tree, part), { recursive: true });
  writeFileSync(join(tree, path), 'in the way\n');
  const control = 'Package: in-the-way\nVersion: 1\nArchitecture: all\nMaintainer: test\nDescription: test\n';
  writeFileSync(join(tree, 'DEBIAN/control'), control);
  mustRun('dpkg-deb', ['--root-owner-group', '--build', tree, `${tree}.deb`]);
  return `${tree}.deb`;
}

/** A stand-in for the package resource-agents of rpm systems, which owns the same two paths. */
export function rpmOfTheirs(directory: string, version: string, agent: string): string {
  const work = join(directory, `theirs-${version}`);
  mkdirSync(work);
  writeFileSync(join(work, 'agent'), agent);
  const spec = `Name: resource-agents
Version: ${version}
Release: 1
Summary: Stand-in
License: GPL-2.0-or-later
BuildArch: noarch
%define __os_install_post %{nil}
%description
Stand-in.
%install
install -D -m 755 ${work}/agent %{buildroot}${AGENT_PATH}
install -D -m 755 ${work}/agent %{buildroot}/usr/lib/ocf/resource.d/heartbeat/IPaddr2
echo 'man page ${version}' >page
install -D -m 644 page %{buildroot}${MAN_PATH}
%files
%attr(-,root,root) ${AGENT_PATH}
%attr(-,root,root) /usr/lib/ocf/resource.d/heartbeat/IPaddr2
%attr(-,root,root) ${MAN_PATH}
`;
  writeFileSync(join(work, 'theirs.spec'), spec);
  mustRun('rpmbuild', [
    '-bb',
    '--define',
    `_topdir ${work}`,
    '--define',
    '_binary_payload w0.gzdio',
    join(work, 'theirs.spec'),
  ]);
  return join(work, `RPMS/noarch/resource-agents-${version}-1.noarch.rpm`);
}
