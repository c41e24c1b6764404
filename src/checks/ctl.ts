import { existsSync } from 'node:fs';
import { Failure, type Problem } from '../failure/failure.ts';
import { explainExhaustion, isExhaustion } from '../failure/system-error.ts';
import { callCtl } from '../kamctl/ctl.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { describeProcess } from '../process/describe.ts';
import type { Instance } from '../process/instance.ts';
import { listensOn } from '../process/unix-sockets.ts';
import { wasRemoved } from './runtime-directories.ts';

/**
 * Asks for the processes of the Kamailio that answers on ctl's socket (RPC core.ps: numbers and descriptions in turn),
 * and makes sure that `mainPid` is one of them: of two instances with one socket the later one answers for both.
 */
export async function checkCtl(
  path: string,
  mainPid: number,
  deadline: Deadline,
): Promise<readonly Problem[]> {
  try {
    const pids = (await callCtl(path, 'core.ps', [], deadline)).filter((value) => typeof value === 'number');
    if (pids.includes(mainPid)) return [];
    const [other] = pids;
    const by = other === undefined ? 'something that names no process' : describeProcess(other);
    return [
      {
        where: 'control plane',
        seen: `the socket ${path} is answered by ${by}, not by this Kamailio`,
        remedy:
          'give each instance a binrpc socket of its own (ctl in its kamailio.cfg), name it as RPCCTLSOCKET in its kamctlrc, and restart this resource',
      },
    ];
  } catch (error) {
    if (isExhaustion(error)) return [{ where: 'control plane', ...explainExhaustion(error) }];
    if (!(error instanceof Failure)) throw error;
    return error.at('control plane');
  }
}

/** The same as `removedFifo`, of ctl's socket. */
export function removedSocket(path: string, instance: Instance): Problem | undefined {
  if (existsSync(path) || !listensOn(path, instance)) return undefined;
  return wasRemoved(`socket ${path} on which this Kamailio answers`, path, 'binrpc of ctl, RPCCTLSOCKET');
}
