import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { MAINTAINER, rpmChangelog } from './changelog.mjs';
import { putDocuments } from './documents.mjs';
import { gzip, put, putCopy, putLink, settle } from './tree.mjs';

const run = promisify(execFile);
const here = fileURLToPath(new URL('../rpm/', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));

const NAME = 'resource-agents-kamailio';
const ARCHITECTURE = { x64: 'x86_64', arm64: 'aarch64' };

/** Builds the rpm from `agent` (the file that becomes the agent) in the directory `work`; returns its path. */
export async function buildRpm({ arch, agent, man, source, level, work }) {
  const tree = join(work, 'tree');
  const payload = `usr/libexec/${NAME}`;
  await putCopy(tree, `${payload}/kamailio`, agent, 0o755);
  await put(tree, `${payload}/ocf_heartbeat_kamailio.7.gz`, gzip(man));
  await putLink(tree, 'usr/sbin/ocf-kamailio', '../lib/ocf/resource.d/heartbeat/kamailio');
  await putLink(tree, 'usr/share/man/man8/ocf-kamailio.8.gz', '../man7/ocf_heartbeat_kamailio.7.gz');
  await putDocuments(tree, arch, source);
  for (const directory of [
    `usr/share/${NAME}/shipped`,
    `var/lib/${NAME}`,
    'usr/lib/ocf/resource.d/heartbeat',
    'usr/share/man/man7',
  ])
    await mkdir(join(tree, directory), { recursive: true });
  await settle(tree, source.epoch);
  const spec = join(work, `${NAME}.spec`);
  await writeFile(spec, specification(tree, source));
  const defined = {
    _topdir: join(work, 'rpmbuild'),
    _tmppath: join(work, 'tmp'),
    _rpmdir: join(work, 'rpms'),
    _rpmfilename: '%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm',
    // Nothing of the machine, its clock or its configuration.
    _buildhost: 'localhost',
    use_source_date_epoch_as_buildtime: '1',
    clamp_mtime_to_source_date_epoch: '1',
    source_date_epoch_from_changelog: '0',
    _binary_payload: level === 'none' ? 'w.ufdio' : `w${level}T2.xzdio`,
    _binary_filedigest_algorithm: '8',
  };
  const macros = Object.entries(defined).flatMap(([name, value]) => ['--define', `${name} ${value}`]);
  await run('rpmbuild', ['-bb', '--target', `${ARCHITECTURE[arch]}-linux`, ...macros, spec], {
    env: { ...process.env, HOME: work, SOURCE_DATE_EPOCH: String(source.epoch), LC_ALL: 'C' },
    maxBuffer: 64 * 1024 * 1024,
  });
  return join(work, 'rpms', `${NAME}-${source.version}-1.${ARCHITECTURE[arch]}.rpm`);
}

function specification(tree, source) {
  const values = {
    VERSION: source.version,
    MAINTAINER,
    STAGE: tree,
    FUNCTIONS: ['functions.sh', '../handover.sh']
      .map((name) => readFileSync(here + name, 'utf8'))
      .join('\n')
      .trimEnd(),
    CHANGELOG: rpmChangelog(`${root}CHANGELOG.md`, source.version, source.epoch),
  };
  const template = readFileSync(`${here}${NAME}.spec`, 'utf8');
  return template.replace(/@([A-Z]+)@/g, (mark, name) => values[name] ?? mark);
}
