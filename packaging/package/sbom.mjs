// The SPDX bill of materials of a standalone binary: what `npm sbom` says of the packages that the bundle
// holds, and the runtime around it.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { RUNTIMES } from '../binary/runtime.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

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

/** The document as JSON; nothing in it depends on when or where it is made. */
export async function sbom(arch, { version, commit, epoch }) {
  const json = execFileSync('npm', ['sbom', '--package-lock-only', '--sbom-format', 'spdx'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 64 * 1024 * 1024,
  });
  const full = JSON.parse(json);
  const inside = new Set(await bundledPackages());
  const [self, ...others] = full.packages;
  const { package: runtime, integrity } = RUNTIMES[arch];
  const packages = [
    { ...self, versionInfo: version, filesAnalyzed: false },
    ...others.filter(({ name }) => inside.has(name)),
    {
      name: runtime,
      SPDXID: `SPDXRef-Package-${runtime}-${RUNTIMES.version}`,
      versionInfo: RUNTIMES.version,
      packageFileName: 'bin/node',
      downloadLocation: 'NOASSERTION',
      filesAnalyzed: false,
      licenseDeclared: 'MIT',
      checksums: [
        { algorithm: 'SHA512', checksumValue: Buffer.from(integrity.slice(7), 'base64').toString('hex') },
      ],
      externalRefs: [
        {
          referenceCategory: 'PACKAGE-MANAGER',
          referenceType: 'purl',
          referenceLocator: `pkg:npm/${runtime}@${RUNTIMES.version}`,
        },
      ],
    },
  ].map(withoutAddress);
  const relationships = packages.slice(1).map(({ SPDXID }) => ({
    spdxElementId: self.SPDXID,
    relatedSpdxElement: SPDXID,
    relationshipType: 'CONTAINS',
  }));
  const described = {
    spdxElementId: full.SPDXID,
    relatedSpdxElement: self.SPDXID,
    relationshipType: 'DESCRIBES',
  };
  const document = {
    ...full,
    name: `ocf-kamailio-${version}-linux-${arch}`,
    documentNamespace: `https://spdx.org/spdxdocs/ocf-kamailio-${version}-linux-${arch}-${commit}`,
    creationInfo: {
      created: `${new Date(epoch * 1000).toISOString().slice(0, 19)}Z`,
      creators: full.creationInfo.creators.filter((creator) => !creator.startsWith('Person:')),
    },
    packages,
    relationships: [described, ...relationships],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** The address depends on the registry that a developer uses; name, version and hash do not. */
function withoutAddress(entry) {
  return { ...entry, downloadLocation: 'NOASSERTION' };
}
