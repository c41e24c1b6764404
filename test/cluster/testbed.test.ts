import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { listPids } from '../../src/process/procfs.ts';
import { SHELL_AGENT } from '../support/agent.ts';
import { until } from '../support/instance.ts';
import { type Init, isAlive } from './testbed/enter.ts';
import { findInit } from './testbed/init.ts';
import { KAMAILIO } from './testbed/kamailio.ts';
import { whyNoTestbed } from './testbed/needs.ts';
import { findTestbed, openTestbed, type TestbedOptions } from './testbed/open.ts';
import type { Testbed } from './testbed/testbed.ts';
import { namespacesOfTestbed, tracesOf } from './testbed/traces.ts';

const why = whyNoTestbed();

function bedTest(name: string, body: () => Promise<void>): void {
  if (why === undefined) return void test(name, body);
  console.log(`skipped: ${name}: ${why}`);
  test.skip(name);
}

async function withTestbed(
  options: TestbedOptions,
  body: (testbed: Testbed) => Promise<void>,
): Promise<void> {
  const testbed = await openTestbed(options);
  try {
    await body(testbed);
  } finally {
    await testbed.close();
  }
}

function fingerprint(path: string): readonly number[] {
  const { ino, size, mtimeMs } = statSync(path);
  return [ino, size, mtimeMs];
}

function initsOf(testbed: Testbed): Init[] {
  return [testbed.init, ...testbed.nodes.map((node) => node.init())];
}

async function assertNoTraces(namespaces: ReadonlySet<string>): Promise<void> {
  assert.ok(namespaces.size >= 5, 'it had namespaces');
  // A network namespace is removed by the kernel in its own time.
  const pids = listPids();
  await until(() => tracesOf(namespaces, pids).length === 0, 'nothing of the testbed is left').catch(() => {
    assert.equal(tracesOf(namespaces, pids), []);
  });
}

bedTest(
  'three nodes are online, each a machine of its own, and nothing is left when the testbed is closed',
  async () => {
    const installed = fingerprint(SHELL_AGENT);
    let namespaces: ReadonlySet<string> = new Set();
    await withTestbed({}, async (testbed) => {
      namespaces = namespacesOfTestbed(initsOf(testbed));
      assert.is(namespaces.size, 4 * 5);
      const { coordinator, hasQuorum, nodes } = await testbed.state();
      assert.ok(hasQuorum && coordinator);
      assert.equal(
        nodes.map(({ name, online }) => [name, online]),
        [1, 2, 3].map((number) => [`node${number}`, true]),
      );
      for (const node of testbed.nodes) {
        assert.is((await node.mustRun(['uname', '-n'])).trim(), node.name);
        const programs = (await node.mustRun(['ps', '-e', '-o', 'comm='])).split('\n');
        assert.is(programs.filter((name) => name === 'corosync').length, 1);
        assert.match(
          await node.mustRun(['crm_resource', '--show-metadata', 'ocf:heartbeat:kamailio']),
          /probe_user/,
        );
      }
      await testbed.createKamailio();
      assert.ok(await testbed.answers());
    });
    await assertNoTraces(namespaces);
    assert.equal(fingerprint(SHELL_AGENT), installed, 'the machine keeps its own agent');
  },
);

const HOLD_A_BED = `
import { openTestbed } from '${new URL('testbed/open.ts', import.meta.url)}';
setInterval(() => {}, 1000);
await openTestbed({ nodes: 2, label: process.argv[1] });
console.log('open');
`;

/** Another process that opens a testbed with this label and holds it. */
function holdTestbed(label: string): ChildProcess {
  return spawn(process.execPath, ['--input-type=module', '-e', HOLD_A_BED, '--', label], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function untilEnded(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null)
    await new Promise((resolve) => child.once('exit', resolve));
}

bedTest('nothing is left when the process that opened the testbed is killed with SIGKILL', async () => {
  const label = `killed by ${process.pid}`;
  const holder = holdTestbed(label);
  try {
    await new Promise((resolve, reject) => {
      holder.stdout?.once('data', resolve);
      holder.once('exit', reject);
    });
    const testbed = findTestbed(label);
    assert.ok(testbed);
    const namespaces = namespacesOfTestbed(initsOf(testbed));
    assert.ok(namespaces.size === 3 * 5 && tracesOf(namespaces).length > 3 * 5, 'it lives');
    holder.kill('SIGKILL');
    await assertNoTraces(namespaces);
  } finally {
    holder.kill('SIGKILL');
  }
});

bedTest('nothing is left when that process is killed while it opens the testbed', async () => {
  const label = `killed early by ${process.pid}`;
  const holder = holdTestbed(label);
  try {
    await until(() => findTestbed(label)?.nodes.some((node) => node.isOn()) ?? false, 'the first node is on');
    const init = findInit(label);
    assert.ok(init);
    const namespaces = namespacesOfTestbed([init]);
    holder.kill('SIGKILL');
    await until(() => !isAlive(init), 'the testbed is gone');
    await assertNoTraces(namespaces);
    assert.is(findInit(label), undefined);
  } finally {
    holder.kill('SIGKILL');
    await untilEnded(holder);
  }
});

bedTest('two beds with the same addresses live side by side', async () => {
  await withTestbed({ nodes: 1 }, async (first) => {
    await first.createKamailio();
    await withTestbed({ nodes: 2 }, async (second) => {
      assert.not(await second.answers(), 'the address of the first testbed is not in the second');
      await second.createKamailio();
      assert.ok(await second.answers());
      assert.is((await first.state()).nodes.length, 1);
      assert.is((await second.state()).nodes.length, 2);
    });
    assert.ok(await first.answers(), 'the end of the second does not touch the first');
    await first.settle();
    assert.equal((await first.state()).failures, []);
  });
});

bedTest(
  'a node that dies, and one that is cut off, lose the service to another; cleanUp mends all',
  async () => {
    await withTestbed({}, async (testbed) => {
      await testbed.createKamailio();
      const first = await testbed.untilRunning(KAMAILIO);
      await first.kill();
      assert.not(first.isOn());
      const second = await testbed.untilRunning(KAMAILIO, first);
      assert.ok(await testbed.answers());
      await first.boot();
      await testbed.untilOnline();
      await second.cut();
      await testbed.waitFor(async () => {
        const { nodes } = await testbed.state(first);
        return nodes.some(({ name, online }) => name === second.name && !online);
      }, 'the others see the node that is cut off as lost');
      await testbed.cleanUp();
      const { nodes, resources, failures } = await testbed.state();
      assert.ok(nodes.every(({ online }) => online));
      assert.equal([resources, failures], [[], []]);
      assert.not(await testbed.answers());
    });
  },
);

const CLUSTER = fileURLToPath(new URL('cluster.ts', import.meta.url));

interface Command {
  readonly code: number | null;
  readonly output: string;
}

/** Calls `npm run cluster -- WORDS` as from a clone in `directory`. */
function cluster(directory: string, ...words: string[]): Promise<Command> {
  const child = spawn(process.execPath, [CLUSTER, ...words], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

bedTest('npm run cluster: up, status, exec and down', async () => {
  const clone = mkdtempSync('/tmp/ocf-kamailio-cluster-');
  try {
    assert.is((await cluster(clone, 'status')).code, 1);
    const up = await cluster(clone, 'up', '--nodes=2');
    assert.is(up.code, 0, up.output);
    const again = await cluster(clone, 'up');
    assert.is(again.code, 1);
    assert.match(again.output, /up already/);
    assert.match((await cluster(clone, 'status')).output, /Online: \[ node1 node2 \]/);
    assert.equal(await cluster(clone, 'exec', 'node2', 'uname', '-n'), { code: 0, output: 'node2\n' });
    assert.is((await cluster(clone, 'exec', 'node1', 'sh', '-c', 'exit 42')).code, 42);
    assert.match((await cluster(clone, 'exec', 'node3', 'true')).output, /no node node3/);
    const testbed = findTestbed(`cluster of ${clone}`);
    assert.ok(testbed);
    const namespaces = namespacesOfTestbed(initsOf(testbed));
    assert.is((await cluster(clone, 'down')).code, 0);
    await assertNoTraces(namespaces);
  } finally {
    await cluster(clone, 'down');
    rmSync(clone, { recursive: true });
  }
});

test.run();
