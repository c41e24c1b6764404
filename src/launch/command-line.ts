import type { Params } from '../interface/parameters.ts';
import { hostPort, hostPortInUri, isIPv6Literal } from '../text/socket-address.ts';

/**
 * The arguments of Kamailio, word for word and in the order of the shell agent: its `pgrep -f` and
 * `pkill -x -f` know an instance by this line alone.
 */
export function kamailioArguments(params: Params): string[] {
  return ['-P', params.pidfile, '-f', params.conffile, ...configuredArguments(params)];
}

/** The parameters that reach the command line, besides those that name files. */
type Configured = Pick<
  Params,
  'listen_address' | 'port' | 'proto' | 'kamuser' | 'kamgroup' | 'extra_options'
>;

/** The part of the arguments that a check of the configuration needs as well. */
export function configuredArguments(params: Configured): string[] {
  return [
    ...listenArguments(params),
    ...(params.kamuser ? ['-u', params.kamuser] : []),
    ...(params.kamgroup ? ['-g', params.kamgroup] : []),
    ...params.extra_options,
  ];
}

function listenArguments({ listen_address, port, proto }: Configured): string[] {
  const own = hostPortInUri({ address: listen_address, port });
  const loopback = hostPort({ address: isIPv6Literal(listen_address) ? '::1' : '127.0.0.1', port });
  const udp = ['-l', `udp:${own}`, '-l', `udp:${loopback}`];
  const tcp = ['-l', `tcp:${own}`, '-l', `tcp:${loopback}`];
  switch (proto) {
    case 'udp':
      return ['-T', ...udp];
    case 'tcp':
      return tcp;
    case 'udptcp':
      return [...udp, ...tcp];
    default:
      return [];
  }
}
