import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NEEDS_OF_ROOT, rootOrWhyNot, withRoot } from '../delivery/root.ts';
import { AGENT_PATH } from '../delivery/small-packages.ts';
import { testWith } from '../delivery/tools.ts';
import { CHECKS } from './checks/all.ts';
import { assertHeld, installScript, type Result, runChecks } from './inside.ts';
import { releaseRootWithNode } from './root.ts';

/** Releases whose own Node.js, as apt installs it, is new enough for the script; Debian 11 has 12. */
const RELEASES_WITH_NODE = [
  { codename: 'bookworm', release: 'Debian 12', node: 18 },
  { codename: 'trixie', release: 'Debian 13', node: 20 },
] as const;

for (const { codename, release, node } of RELEASES_WITH_NODE) {
  const { path, need } = rootOrWhyNot(codename, () => releaseRootWithNode(codename));
  const needs = [...NEEDS_OF_ROOT, 'ip', need];
  const title = `${release}, script on its Node.js ${node}`;
  let results: readonly Result[] = [];

  testWith(needs, `${title}: it runs on that Node.js`, async () => {
    await withRoot(async (root) => {
      const shellAgent = installScript(root);
      const { output } = root.run('chroot', [root.inside, AGENT_PATH, '--version']);
      assert.match(output, new RegExp(`\\(.*Node\\.js v${node}\\.`));
      results = await runChecks(root, shellAgent);
    }, path);
  });

  for (const { name } of CHECKS) testWith(needs, `${title}: ${name}`, () => assertHeld(results, name, title));
}

test.run();
