import { PROCESS_FAULTS } from './processes.ts';
import { faultSuite } from './suite.ts';

faultSuite('faults of processes', PROCESS_FAULTS);
