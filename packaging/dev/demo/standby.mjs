import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BENCH = 'test/bench/outage/bench-cluster.ts';
const root = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * Shows a hot standby in a cluster of three nodes: crash, hang and planned move, each with the time that a caller was
 * not answered. Needs root, and installs the cluster's tools if they are missing. Returns the exit code.
 */
export function showStandby() {
  const run = (program, words) => spawnSync(program, words, { cwd: root, stdio: 'inherit' }).status ?? 1;
  const code = run('sh', ['packaging/dev/setup.sh']);
  if (code !== 0) return code;
  console.log('Three nodes, Kamailio on each, the address on one. A caller polls it every 10 ms:\n');
  const cases = '--case=^(crash of all|hang|planned move), hot standby$';
  return run(process.execPath, [BENCH, '--demo', '--runs=1', '--column=^watch=sip', cases]);
}
