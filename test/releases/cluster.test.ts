import { suite } from 'uvu';
import { whyNoTestbed } from '../cluster/testbed/needs.ts';
import { openTestbed } from '../cluster/testbed/open.ts';
import type { Testbed } from '../cluster/testbed/testbed.ts';
import { rootOrWhyNot } from '../delivery/root.ts';
import { CLUSTER_CHECKS } from './cluster-checks.ts';
import type { Result } from './inside.ts';
import { RELEASES_NOW, releaseRoot } from './root.ts';
import { noteTried } from './tried.ts';

for (const [codename, release] of RELEASES_NOW) {
  const { path, need } = rootOrWhyNot(codename, () => releaseRoot(codename));
  const why = need[0] ? whyNoTestbed(path) : need[1];
  if (why === undefined) tryOn(codename, release, path);
  else {
    const tests = suite(release);
    for (const { name } of CLUSTER_CHECKS) {
      console.log(`skipped: ${release}: ${name}: ${why}`);
      tests.skip(name);
    }
    tests.run();
  }
}

/** All checks in one cluster of that release, whose nodes run `root`. */
function tryOn(codename: string, release: string, root: string): void {
  const tests = suite(release);
  const results: Result[] = [];
  let testbed: Testbed | undefined;
  tests.before(async () => {
    testbed = await openTestbed({ nodes: 2, root });
  });
  tests.after(async () => {
    await testbed?.close();
    noteTried('cluster', codename, root, results);
  });
  for (const { name, instead, run } of CLUSTER_CHECKS)
    tests(`${release}: ${name}`, async () => {
      if (!testbed) throw new Error('the testbed was not opened');
      try {
        const whyNot = await instead?.(testbed);
        if (whyNot === undefined) await run(testbed);
        results.push({ name, ...(whyNot !== undefined && { whyNot }) });
      } catch (error) {
        results.push({ name, error: String(error) });
        console.log(`${release}: ${name}: ${error}`);
        throw error;
      }
    });
  tests.run();
}
