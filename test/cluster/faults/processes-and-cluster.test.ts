import { CLUSTER_FAULTS } from './cluster.ts';
import { PROCESS_FAULTS } from './processes.ts';
import { faultSuite } from './suite.ts';

faultSuite('faults of processes and the cluster', [...PROCESS_FAULTS, ...CLUSTER_FAULTS]);
