import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { debianChangelog, MAINTAINER } from './changelog.mjs';
import { DOCUMENTS, putDocuments } from './documents.mjs';
import { debianDependencies } from './needs.mjs';
import { gzip, listing, put, putCopy, putLink, settle } from './tree.mjs';

const run = promisify(execFile);
const here = fileURLToPath(new URL('../deb/', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));

const NAME = 'resource-agents-kamailio';
const ARCHITECTURE = { x64: 'amd64', arm64: 'arm64' };
const SCRIPTS = ['preinst', 'postinst', 'prerm', 'postrm'];

/** Builds the deb from `agent` (the file that becomes the agent) in the directory `work`; returns its path. */
export async function buildDeb({ arch, agent, man, source, level, work }) {
  const tree = join(work, 'deb');
  await putCopy(tree, 'usr/lib/ocf/resource.d/heartbeat/kamailio', agent, 0o755);
  await put(tree, 'usr/share/man/man7/ocf_heartbeat_kamailio.7.gz', gzip(man));
  await putLink(tree, 'usr/sbin/ocf-kamailio', '../lib/ocf/resource.d/heartbeat/kamailio');
  await putLink(tree, 'usr/share/man/man8/ocf-kamailio.8.gz', '../man7/ocf_heartbeat_kamailio.7.gz');
  await putDocuments(tree, arch, source);
  const changelog = debianChangelog(`${root}CHANGELOG.md`, NAME, source.version, source.epoch);
  await put(tree, `${DOCUMENTS}/changelog.gz`, gzip(changelog));
  await put(tree, `usr/share/lintian/overrides/${NAME}`, readFileSync(`${here}lintian-overrides`));
  const files = await listing(tree);
  await put(tree, 'DEBIAN/control', await control(tree, files, { arch, agent, version: source.version }));
  await put(tree, 'DEBIAN/md5sums', await md5sums(tree, files));
  const functions = ['paths.sh', '../handover.sh']
    .map((name) => readFileSync(here + name, 'utf8'))
    .join('\n');
  for (const script of SCRIPTS) {
    const text = `#!/bin/sh\nset -e\n\n${functions}\n${readFileSync(`${here}${script}.sh`, 'utf8')}`;
    await put(tree, `DEBIAN/${script}`, text, 0o755);
  }
  await settle(tree, source.epoch);
  const target = join(work, `${NAME}_${source.version}_${ARCHITECTURE[arch]}.deb`);
  const compression = level === 'none' ? ['-Znone'] : ['-Zxz', `-z${level}`];
  await run('dpkg-deb', ['--root-owner-group', ...compression, '--build', tree, target], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(source.epoch), LC_ALL: 'C' },
  });
  return target;
}

async function control(tree, files, { arch, agent, version }) {
  let kilobytes = 0;
  for (const { path, entry } of files)
    kilobytes += entry.isFile() ? Math.ceil((await stat(join(tree, path))).size / 1024) : 1;
  const needs = await debianDependencies(agent);
  return `Package: ${NAME}
Version: ${version}
Architecture: ${ARCHITECTURE[arch]}
Maintainer: ${MAINTAINER}
Installed-Size: ${kilobytes}
${needs.length > 0 ? `Depends: ${needs.join(', ')}\n` : ''}Recommends: pacemaker
Suggests: kamailio, sipsak
Section: admin
Priority: optional
Description: Pacemaker resource agent for Kamailio SIP servers
 ocf:heartbeat:kamailio as one executable that needs no interpreter and none of
 the tools of the agent of the same name in resource-agents, whose place it
 takes. That one comes back when this package is removed.
 .
 A running Kamailio is not touched by installation, upgrade or removal.
`;
}

async function md5sums(tree, files) {
  const lines = [];
  for (const { path, entry } of files) {
    if (!entry.isFile()) continue;
    const sum = createHash('md5')
      .update(await readFile(join(tree, path)))
      .digest('hex');
    lines.push(`${sum}  ${path}\n`);
  }
  return lines.join('');
}
