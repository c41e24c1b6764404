import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { KAMAILIO } from './testbed/kamailio.ts';
import { AGENT_PATH } from './testbed/node.ts';
import { clusterSuite } from './testbed/suite.ts';

const { test, run } = clusterSuite('tools for agents', { nodes: 1 });

const CASES = new URL('../../packaging/ocft/kamailio', import.meta.url);

test('ocf-tester passes on a node of a cluster', async (testbed) => {
  const options = ['-o', 'listen_address=127.0.0.1', '-o', 'kamuser=kamailio', '-o', 'kamgroup=kamailio'];
  const { code, stdout, stderr } = await testbed
    .node(1)
    .run(['ocf-tester', '-v', '-n', KAMAILIO, ...options, AGENT_PATH]);
  assert.is(code, 0, stdout + stderr);
  assert.match(stdout, /passed all tests/);
  assert.is((await testbed.node(1).run(['pgrep', '-x', 'kamailio'])).code, 1, 'nothing is left');
});

test("the package's cases for ocft pass, and leave nothing", async (testbed) => {
  const node = testbed.node(1);
  const text = readFileSync(CASES, 'utf8');
  await node.write('/usr/share/resource-agents/ocft/configs/kamailio', text);
  await node.mustRun(['ocft', 'make', KAMAILIO], { timeoutMs: 240_000 });
  const { code, stdout, stderr } = await node.run(['ocft', 'test', KAMAILIO], { timeoutMs: 240_000 });
  assert.is(code, 0, stdout + stderr);
  const titles = [...text.matchAll(/^CASE "(.*)"$/gm)].map(([, title]) => title);
  assert.ok(titles.length >= 15);
  for (const title of titles) assert.ok(stdout.includes(`kamailio: ${title} - `), title);
  assert.not.match(stdout, /FAILED|ERROR|WARNING/);
  assert.is((await node.run(['pgrep', '-x', 'kamailio'])).code, 1);
  assert.is((await node.run(['test', '-e', '/run/ocft-kamailio'])).code, 1);
});

run();
