// node test/cluster/faults/print.ts: the fault matrix as a table in Markdown.

import { CLUSTER_FAULTS } from './cluster.ts';
import type { Fault, Impossible, Verdict } from './fault.ts';
import { FILE_FAULTS } from './files.ts';
import { INSTALLATION_FAULTS } from './installation.ts';
import { LOAD_FAULTS } from './load.ts';
import { PROCESS_FAULTS } from './processes.ts';
import { SOCKET_FAULTS } from './sockets.ts';
import { TIME_FAULTS } from './time.ts';

/** What no test of this table does. */
const IMPOSSIBLE: readonly Impossible[] = [
  {
    broken: 'a process waits for a disk for ever (state D), and outlives SIGKILL',
    why: 'no disk of a testbed can be made to hang: its file systems are in memory',
  },
];

const FAMILIES: Readonly<Record<string, readonly Fault[]>> = {
  processes: PROCESS_FAULTS,
  'sockets and network': SOCKET_FAULTS,
  'files and directories': FILE_FAULTS,
  'configuration and accounts': INSTALLATION_FAULTS,
  'load, limits and memory': LOAD_FAULTS,
  time: TIME_FAULTS,
  'cluster and executor': CLUSTER_FAULTS,
};

function print(): void {
  console.log('| what is broken | monitor says | the cluster | registrations | holds besides |');
  console.log('|---|---|---|---|---|');
  for (const [family, faults] of Object.entries(FAMILIES)) {
    console.log(`| **${family}** | | | | |`);
    for (const fault of faults) printRow(fault);
  }
  for (const { broken, why } of IMPOSSIBLE) console.log(`| ${broken} | not tried: ${why} | | | |`);
}

function printRow({ broken, monitor, start, stop, cluster, registrations, also }: Fault): void {
  const steps = [
    start && `start fails with ${describe(start)}`,
    stop && `stop fails with ${describe(stop)}`,
    typeof cluster === 'string' ? cluster : cluster.does,
  ];
  const reaction = steps.filter((step) => step !== undefined).join('; ');
  console.log(
    `| ${broken} | ${monitor ? describe(monitor) : ''} | ${reaction} | ${registrations ?? ''} | ${also ?? ''} |`,
  );
}

function describe({ code, reason }: Verdict): string {
  const codes = [code].flat().join(' or ');
  return reason ? `${codes} \`${reason.source.replaceAll('|', '\\|')}\`` : codes;
}

print();
