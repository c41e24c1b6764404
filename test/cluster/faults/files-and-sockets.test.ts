import { FILE_FAULTS } from './files.ts';
import { INSTALLATION_FAULTS } from './installation.ts';
import { SOCKET_FAULTS } from './sockets.ts';
import { faultSuite } from './suite.ts';

faultSuite('faults of files, installation and sockets', [
  ...FILE_FAULTS,
  ...INSTALLATION_FAULTS,
  ...SOCKET_FAULTS,
]);
