import type { Deadline } from '../lifetime/deadline.ts';
import { readArgv } from '../process/procfs.ts';
import { listeningSockets, openPaths, socketInodes } from '../process/sockets.ts';
import { pollTarget } from '../sip-probe/poll.ts';
import type { Target } from '../sip-probe/target.ts';
import { hostPort, isSameAddress, isWildcard } from '../text/socket-address.ts';

/**
 * The mistakes that people make with set-ups like these, each as a sentence that says what to change;
 * undefined where the suspicion is not confirmed.
 */

/** kamailio.cfg answers a URI without user (as the stock file does), but refuses or drops the polled user. */
export async function suggestOtherUser(
  target: Target,
  user: string,
  deadline: Deadline,
): Promise<string | undefined> {
  const { uri } = target;
  if (uri === undefined ? user === '' : !uri.includes('@')) return undefined;
  const withoutUser = uri?.replace(/:.*@/, ':');
  const other = withoutUser === undefined ? target : { ...target, uri: withoutUser };
  const outcome = await pollTarget(other, '', deadline.sooner(2000));
  if (!outcome.healthy) return undefined;
  return withoutUser === undefined
    ? 'this kamailio.cfg answers a URI without user: set probe_user to nothing (with pcs: probe_user=" ")'
    : `this kamailio.cfg answers ${withoutUser}: set probe_uri=${withoutUser}`;
}

/** Kamailio reads another FIFO than the one kamctlrc names. `mainPid` holds the FIFO that it reads open. */
export function suggestOtherFifo(mainPid: number, fifo: string): string | undefined {
  const read = openPaths(mainPid).filter((path) => path !== fifo && /fifo/i.test(path));
  return read.length === 0
    ? undefined
    : `this Kamailio reads ${read.join(', ')}: set RPCFIFOPATH in kamctlrc to it`;
}

/** Kamailio listens elsewhere than is polled; `pids` are all its processes, for not each holds each socket. */
export function suggestOtherSocket(pids: readonly number[], target: Target): string | undefined {
  const transport = target.transport === 'udp' ? 'udp' : 'tcp';
  const inodes = new Set(pids.flatMap(socketInodes));
  const own = listeningSockets().filter((socket) => inodes.has(socket.inode));
  const same = own.filter((socket) => socket.transport === transport);
  const covers = same.some(
    ({ address, port }) =>
      port === target.port && (isSameAddress(address, target.address) || isWildcard(address)),
  );
  if (covers || own.length === 0) return undefined;
  const names = own.map((socket) => `${socket.transport}:${hostPort(socket)}`);
  return `this Kamailio listens on ${[...new Set(names)].join(', ')}: poll one of these (listen_address, monitoring_ip, port, proto or probes), or change its listen lines`;
}

/** The pidfile leads to a Kamailio that was started with another pidfile. */
export function describeOtherInstance(pid: number, pidfile: string): string | undefined {
  const argv = readArgv(pid) ?? [];
  const other = argv[argv.indexOf('-P') + 1];
  if (!argv.includes('-P') || other === undefined || other === pidfile) return undefined;
  return `pid ${pid} in ${pidfile} is the Kamailio of another instance, started with -P ${other}: give each resource a pidfile of its own`;
}
