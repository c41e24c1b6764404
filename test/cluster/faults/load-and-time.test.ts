import { LOAD_FAULTS } from './load.ts';
import { faultSuite } from './suite.ts';
import { TIME_FAULTS } from './time.ts';

faultSuite('faults of load and time', [...LOAD_FAULTS, ...TIME_FAULTS]);
