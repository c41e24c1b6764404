import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { callAgent } from '../support/agent.ts';
import { makeInstance } from '../support/instance.ts';
import { builtPackages, NEEDS_OF_BUILD } from './build.ts';
import { madeOnce } from './pristine.ts';
import { AS_ROOT, mustRun, testWith, workDirectory } from './tools.ts';

const NEEDS = [AS_ROOT, ...NEEDS_OF_BUILD, 'qemu-aarch64-static', 'apt-get'];
const LIBRARIES = ['libc6', 'libstdc++6', 'libgcc-s1'];

const work = workDirectory('arm64');

/** The machine's release of the arm64 libraries, by an apt that keeps its lists apart from the machine's. */
function foreignLibraries(place: string): void {
  const apt = join(work, 'apt');
  for (const path of ['state/lists/partial', 'cache/archives/partial'])
    mkdirSync(join(apt, path), { recursive: true });
  writeFileSync(join(apt, 'status'), '');
  const settings = {
    'APT::Architecture': 'arm64',
    'APT::Architectures': 'arm64',
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Dir::State': join(apt, 'state'),
    'Dir::State::status': join(apt, 'status'),
    'Dir::Cache': join(apt, 'cache'),
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  mustRun('apt-get', ['-qq', ...options, 'update']);
  mustRun('apt-get', ['-qq', ...options, 'download', ...LIBRARIES], { cwd: apt });
  mkdirSync(place);
  mustRun('sh', ['-c', 'for deb in *.deb; do dpkg-deb -x "$deb" "$1"; done', 'sh', place], { cwd: apt });
  // From Debian 13 on all of it is below /usr, where a link of base-files leads.
  if (!existsSync(join(place, 'lib'))) symlinkSync('usr/lib', join(place, 'lib'));
}

testWith(NEEDS, 'the arm64 binary describes itself, and starts, monitors and stops a Kamailio', async () => {
  const libraries = madeOnce('arm64-libraries', foreignLibraries);
  const binary = join(builtPackages(), 'linux-arm64/kamailio');
  const agent = join(work, 'kamailio');
  const command = `exec qemu-aarch64-static -L '${libraries}' '${binary}' "$@"`;
  writeFileSync(agent, `#!/bin/sh\n${command}\n`, { mode: 0o755 });
  const instance = await makeInstance();
  try {
    const call = (action: string) => callAgent(action, instance.params, { agent });
    // An emulator cannot begin the agent anew without the variables that are for a Node.js of the caller's.
    const version = await callAgent('--version', instance.params, { agent, env: { NODE_EXTRA: '1' } });
    assert.match(version.stdout, /^ocf-kamailio /, version.stderr);
    const metadata = await call('meta-data');
    assert.is(metadata.code, 0, metadata.stderr);
    assert.match(metadata.stdout, /<resource-agent name="kamailio"/);
    for (const [action, code] of Object.entries({ start: 0, monitor: 0, stop: 0 })) {
      const result = await call(action);
      assert.is(result.code, code, `${action}: ${result.stderr}`);
    }
    assert.equal(instance.pids(), []);
    assert.is((await call('monitor')).code, 7);
  } finally {
    await instance.dispose();
  }
});

test.run();
