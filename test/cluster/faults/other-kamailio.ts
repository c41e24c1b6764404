import { exampleFile } from '../testbed/kamailio.ts';
import { FIFO } from './configuration.ts';
import type { Undo } from './fault.ts';
import type { Service } from './service.ts';

/** Directory of an instance besides the cluster's, for faults that must not touch it. */
const OTHER_DIRECTORY = '/run/kamailio_other';

/** Starts a Kamailio that the cluster knows nothing of, on UDP alone; returns its main process. */
export async function startOther(
  { testbed, node, sh }: Service,
  { fifo = `${OTHER_DIRECTORY}/rpc.fifo`, socket = '127.0.0.1:5070' } = {},
): Promise<number> {
  const config = exampleFile('kamailio.cfg').replaceAll(FIFO, fifo);
  await sh('install -d -o kamailio -g kamailio "$1"', OTHER_DIRECTORY);
  await node.write(`${OTHER_DIRECTORY}/kamailio.cfg`, config);
  const call = 'kamailio -P "$1/kamailio.pid" -f "$1/kamailio.cfg" -T -l "udp:$2" -u kamailio -g kamailio';
  await sh(`${call} >/dev/null 2>&1`, OTHER_DIRECTORY, socket);
  return testbed.waitFor(
    async () => Number(await node.read(`${OTHER_DIRECTORY}/kamailio.pid`)) || undefined,
    'the other serves',
  );
}

/**
 * Makes sure that a process has lived through the fault, and ends it with its children. By SIGKILL: a Kamailio that
 * terminates removes its FIFO by name, and the service may have that name by then.
 */
export function endUnharmed({ sh }: Service, pid: number): Undo {
  return () => sh('kill -KILL "$1" $(ps -o pid= --ppid "$1"); rm -rf "$2"', String(pid), OTHER_DIRECTORY);
}
