import { runInCluster } from './cluster.mjs';

/**
 * Shows a planned move in a cluster of three nodes, with calls that run over Kamailio: how many are cut without
 * parameter drain, and how many with it. Returns the exit code.
 */
export function showDrain() {
  return runInCluster(['test/cluster/drain/show.ts']);
}
