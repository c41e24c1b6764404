import { test } from 'uvu';
import { NEEDS_OF_BUILD } from '../delivery/build.ts';
import { NEEDS_OF_ROOT, rootOrWhyNot, withRoot } from '../delivery/root.ts';
import { testWith } from '../delivery/tools.ts';
import { CHECKS } from './checks/all.ts';
import {
  assertHeld,
  installPackage,
  ORDER,
  orderOfInstallation,
  type Result,
  runChecks,
  WAY_BACK,
  wayBack,
} from './inside.ts';
import { RELEASES_NOW, releaseRoot } from './root.ts';
import { noteTried } from './tried.ts';

/** The checks of a release run on, while those of the others do; they wait more than they work. */
const running = new Map<string, Promise<readonly Result[]>>();

function resultsOf(codename: string): Promise<readonly Result[]> {
  const results = running.get(codename);
  if (!results)
    throw new Error('nothing was tried: the package could not be installed, or the checks broke off');
  return results;
}

const roots = RELEASES_NOW.map(([codename, release]) => ({
  codename,
  release,
  ...rootOrWhyNot(codename, () => releaseRoot(codename)),
}));

for (const { codename, release, path, need } of roots) {
  const needs = [...NEEDS_OF_BUILD, ...NEEDS_OF_ROOT, 'ip', need];
  testWith(needs, `${release}: the package is installed over the release's own resource-agents`, async () => {
    await new Promise<void>((installed, failed) => {
      const results = withRootOf(path, installed);
      running.set(codename, results);
      results.catch((error) => {
        running.delete(codename);
        failed(error);
      });
    });
  });
}

for (const { codename, release, path, need } of roots) {
  for (const name of [...CHECKS.map((check) => check.name), ORDER, WAY_BACK])
    testWith([...NEEDS_OF_BUILD, ...NEEDS_OF_ROOT, 'ip', need], `${release}: ${name}`, async () => {
      assertHeld(await resultsOf(codename), name, release);
    });
  testWith(
    [...NEEDS_OF_BUILD, ...NEEDS_OF_ROOT, 'ip', need],
    `${release}: the page says what was tried`,
    async () => {
      noteTried('checks', codename, path, await resultsOf(codename));
    },
  );
}

async function withRootOf(path: string, installed: () => void): Promise<readonly Result[]> {
  let results: readonly Result[] = [];
  await withRoot(async (root) => {
    const shellAgent = installPackage(root);
    installed();
    results = [...(await runChecks(root, shellAgent)), orderOfInstallation(root), wayBack(root, path)];
  }, path);
  return results;
}

test.run();
