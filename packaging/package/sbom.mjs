// The SPDX bill of materials of a standalone binary: the packages that the bundle holds, as package-lock.json pins
// them, and the runtime around it. `npm sbom` would do, but Debian's npm 9.2 does not have it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { RUNTIMES } from '../binary/runtime.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const LOCK = JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8'));

/** Names of the npm packages whose code is in the bundle. */
export async function bundledPackages() {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['src/main.ts'],
    bundle: true,
    platform: 'node',
    write: false,
    metafile: true,
    outdir: 'dist',
  });
  const names = Object.keys(metafile.inputs).flatMap(
    (path) => /(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? [],
  );
  return [...new Set(names)].sort();
}

/** The document as JSON, SPDX 2.3; nothing in it depends on when, where or by which npm it is made. */
export async function sbom(arch, { version, commit, epoch }) {
  const name = `ocf-kamailio-${version}-linux-${arch}`;
  const self = { ...description('ocf-kamailio', version, 'MIT'), primaryPackagePurpose: 'APPLICATION' };
  const contents = [...(await bundledPackages()).map(lockedPackage), runtimePackage(arch)];
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name,
    documentNamespace: `https://spdx.org/spdxdocs/${name}-${commit}`,
    creationInfo: {
      created: `${new Date(epoch * 1000).toISOString().slice(0, 19)}Z`,
      creators: [`Tool: ocf-kamailio-${version}`],
    },
    documentDescribes: [self.SPDXID],
    packages: [self, ...contents],
    relationships: [
      relationship('SPDXRef-DOCUMENT', 'DESCRIBES', self),
      ...contents.map((one) => relationship(self.SPDXID, 'CONTAINS', one)),
    ],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** A package of the bundle, as package-lock.json pins it. */
function lockedPackage(name) {
  const locked = LOCK.packages[`node_modules/${name}`];
  if (!locked) throw new Error(`package-lock.json has no package ${name}, which is in the bundle`);
  return {
    ...description(name, locked.version, locked.license),
    packageFileName: `node_modules/${name}`,
    checksums: checksums(locked.integrity),
  };
}

function runtimePackage(arch) {
  const { package: name, integrity } = RUNTIMES[arch];
  return {
    ...description(name, RUNTIMES.version, 'MIT'),
    packageFileName: 'bin/node',
    checksums: checksums(integrity),
  };
}

/** What every package has. No address: it depends on the registry that a developer uses; name and hash do not. */
function description(name, version, licence = 'NOASSERTION') {
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  return {
    name,
    // SPDX allows letters, digits, dots and hyphens here.
    SPDXID: `SPDXRef-Package-${name.replace('@', '').replaceAll('/', '.')}-${version}`,
    versionInfo: version,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseDeclared: licence,
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }],
  };
}

/** `integrity` is npm's form: sha512-BASE64. */
function checksums(integrity) {
  const [, base64] = /^sha512-(.+)$/.exec(integrity) ?? [];
  if (!base64) throw new Error(`${integrity} is not a hash of SHA-512`);
  return [{ algorithm: 'SHA512', checksumValue: Buffer.from(base64, 'base64').toString('hex') }];
}

function relationship(from, type, { SPDXID }) {
  return { spdxElementId: from, relatedSpdxElement: SPDXID, relationshipType: type };
}
