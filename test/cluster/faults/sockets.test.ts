import { SOCKET_FAULTS } from './sockets.ts';
import { faultSuite } from './suite.ts';

faultSuite('faults of sockets', SOCKET_FAULTS);
