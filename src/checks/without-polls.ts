import type { Problem } from '../failure/failure.ts';
import type { Params } from '../interface/parameters.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import type { ProcessStat } from '../process/procfs.ts';
import { STOPPED_MS, stayingIn } from '../process/staying.ts';
import { findWorkers } from '../process/workers.ts';
import { deadWorkers } from './dead-workers.ts';
import { transportsOf } from './targets.ts';
import { checkListening } from './whose-socket.ts';

/**
 * What can be seen of a Kamailio that answers no SIP, such as a sipcapture: its workers live, they are not all stopped,
 * and it listens on the sockets of listen_address, port and proto.
 */
export async function checkWithoutPolls(
  params: Params,
  main: ProcessStat,
  deadline: Deadline,
): Promise<readonly Problem[]> {
  const { listen_address: address, port, proto } = params;
  const sockets = transportsOf(proto).map((transport) => ({ transport, address, port }));
  return [
    ...deadWorkers(main),
    ...(await stoppedWorkers(params, main, deadline)),
    ...checkListening(sockets, main, params),
  ];
}

/** One stopped worker of many is a matter of check level 20. If all are stopped, nobody receives. */
async function stoppedWorkers(params: Params, main: ProcessStat, deadline: Deadline): Promise<Problem[]> {
  const workers = findWorkers(main, params);
  if (workers.length === 0 || !workers.every(({ state }) => state === 'T')) return [];
  const stopped = await stayingIn('T', workers, STOPPED_MS, deadline);
  if (stopped.length < workers.length) return [];
  return [
    {
      seen: `all ${workers.length} workers are stopped (state T)`,
      remedy: `\`kill -CONT ${workers.map(({ pid }) => pid).join(' ')}\` lets them go on`,
    },
  ];
}
