// What goes below /usr/share in both kinds of packages: documents, and the cases for ocft, which looks for those
// of an agent under its name in the directory of resource-agents.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { RUNTIMES, runtimeLicence } from '../binary/runtime.mjs';
import { bundledPackages, sbom } from './sbom.mjs';
import { gzip, put } from './tree.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const DOCUMENTS = 'usr/share/doc/resource-agents-kamailio';

export async function putDocuments(tree, arch, source) {
  // The pages and their pictures have the place that the README links to.
  const pages = readdirSync(`${root}packaging/doc`)
    .sort()
    .map((name) => `packaging/doc/${name}`);
  for (const name of ['README.md', ...pages])
    await put(tree, `${DOCUMENTS}/${name}`, readFileSync(`${root}${name}`));
  await put(tree, `${DOCUMENTS}/CHANGELOG.md.gz`, gzip(readFileSync(`${root}CHANGELOG.md`)));
  await put(tree, `${DOCUMENTS}/copyright`, await copyright(arch));
  await put(tree, `${DOCUMENTS}/sbom.spdx.json`, await sbom(arch, source));
  for (const name of ['kamailio.cfg', 'kamctlrc'])
    await put(tree, `${DOCUMENTS}/examples/${name}`, readFileSync(`${root}packaging/examples/${name}`));
  const cases = readFileSync(`${root}packaging/ocft/kamailio`);
  await put(tree, 'usr/share/resource-agents/ocft/configs/kamailio', cases);
}

/** The licences of all that is inside the binary, each in full. */
async function copyright(arch) {
  const parts = [`The resource agent\n\n${readFileSync(`${root}LICENSE`, 'utf8')}`];
  for (const name of await bundledPackages()) {
    const { version } = JSON.parse(readFileSync(`${root}node_modules/${name}/package.json`, 'utf8'));
    parts.push(`${name} ${version}, in the agent\n\n${licenceOf(name)}`);
  }
  const runtime = readFileSync(await runtimeLicence(arch), 'utf8');
  parts.push(`Node.js ${RUNTIMES.version}, which the agent runs on, and what Node.js holds\n\n${runtime}`);
  return parts.map((part) => `${part.trim()}\n`).join(`\n${'-'.repeat(78)}\n\n`);
}

function licenceOf(name) {
  for (const file of ['LICENSE', 'LICENSE.md', 'license', 'license.md', 'LICENCE']) {
    try {
      return readFileSync(`${root}node_modules/${name}/${file}`, 'utf8');
    } catch {
      // The next name.
    }
  }
  const { license, author } = JSON.parse(readFileSync(`${root}node_modules/${name}/package.json`, 'utf8'));
  if (!license) throw new Error(`the package ${name} comes without a licence`);
  return `Copyright (c) ${author?.name ?? author ?? `the authors of ${name}`}\nLicence: ${license}`;
}
