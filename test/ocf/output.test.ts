import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AGENT } from '../support/agent.ts';

const env = { PATH: process.env.PATH };

test('what is printed is the same in a file, in a pipe and in a pipe that is read late', async () => {
  const whole = spawnSync(AGENT, ['meta-data'], { env, encoding: 'utf8' }).stdout;
  assert.match(whole, /<\/resource-agent>\n$/);
  // The shell makes the file: its path is an argument, not part of the command.
  const file = spawnSync(
    'sh',
    ['-c', '"$0" meta-data > "$1" && cat "$1" && rm "$1"', AGENT, `/tmp/ocfk-${process.pid}`],
    {
      env,
      encoding: 'utf8',
    },
  );
  assert.is(file.stdout, whole);
  const late = spawnSync('sh', ['-c', '"$0" meta-data | { read -r first; echo "$first"; cat; }', AGENT], {
    env,
    encoding: 'utf8',
  });
  assert.is(late.stdout, whole);
});

test('a reader that is gone is no error', async () => {
  const child = spawn(AGENT, ['meta-data'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = await once(child, 'close');
  assert.is(code, 0);
  assert.is(stderr, '');
});

test('a full disk is an error that says so', () => {
  const { status, stderr } = spawnSync('sh', ['-c', '"$0" meta-data > /dev/full', AGENT], {
    env,
    encoding: 'utf8',
  });
  assert.is(status, 1);
  assert.match(stderr, /^ocf-exit-reason:.*ENOSPC/m);
});

test.run();
