import { runInCluster } from './cluster.mjs';

/**
 * Shows a hot standby in a cluster of three nodes: crash, hang and planned move, each with the time that a caller was
 * not answered. Returns the exit code.
 */
export function showStandby() {
  const cases = '--case=^(crash of all|hang|planned move), hot standby$';
  return runInCluster(
    ['test/bench/outage/bench-cluster.ts', '--demo', '--runs=1', '--column=^watch=sip', cases],
    'Three nodes, Kamailio on each, the address on one. A caller polls it every 10 ms:\n',
  );
}
