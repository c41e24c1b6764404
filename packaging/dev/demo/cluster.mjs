import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * Runs a script that makes a cluster on this machine. Needs root, and installs the cluster's tools if they are missing.
 * `introduction` is printed when they are there. Returns the exit code.
 */
export function runInCluster(words, introduction = '') {
  const run = (program, args) => spawnSync(program, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
  const code = run('sh', ['packaging/dev/setup.sh']);
  if (code !== 0) return code;
  if (introduction !== '') console.log(introduction);
  return run(process.execPath, words);
}
