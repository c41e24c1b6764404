import { readFileSync } from 'node:fs';
import { PROTOS } from '../interface/domains.ts';
import { PARAMETER_NAMES, PARAMETERS, type ParameterName } from '../interface/parameters.ts';
import { configuredArguments } from '../launch/command-line.ts';
import { findAccount } from '../process/account.ts';
import { describeTarget } from '../sip-probe/target.ts';
import { isSameAddress, isWildcard } from '../text/socket-address.ts';
import { coversNode, type VirtualAddress } from './addresses.ts';
import type { CommandOptions } from './command-options.ts';
import type { FoundControlPlane } from './control-plane.ts';
import { joinWords } from './quote.ts';
import type { FoundSocket } from './sockets.ts';

/** The texts of parameters, in the order of the table; what is absent has its default. */
export type ParameterTexts = Readonly<Partial<Record<ParameterName, string>>>;

/** What the parameters are made of. */
export interface Seen {
  readonly program: string;
  readonly conffile: string;
  readonly options: CommandOptions;
  readonly uid: number;
  readonly gid: number;
  readonly sockets: readonly FoundSocket[];
  readonly virtual: VirtualAddress | undefined;
  readonly control: FoundControlPlane;
}

/** The parameters of the resource that takes over what was seen; only those that differ from the defaults. */
export function suggestParameters(seen: Seen): ParameterTexts {
  const { options, control } = seen;
  const sockets = listenParameters(seen);
  const all: ParameterTexts = {
    binary: seen.program,
    conffile: seen.conffile,
    ...(options.pidfile !== undefined && !options.pidfileIsJoined && { pidfile: options.pidfile }),
    ...sockets,
    ...accountParameters(seen),
    kamctlrc: control.kamctlrc,
    extra_options: extraOptions(options, sockets.proto ?? ''),
    probe_user: answersWithoutUserAlone(polled(seen)) ? '' : PARAMETERS.probe_user.default,
  };
  return Object.fromEntries(
    PARAMETER_NAMES.flatMap((name) => {
      const text = all[name];
      return text === undefined || text === PARAMETERS[name].default ? [] : [[name, text]];
    }),
  );
}

/** The sockets that a monitor of these parameters relies on: those that speak SIP, loopback addresses last. */
export function polled({ sockets, virtual }: Pick<Seen, 'sockets' | 'virtual'>): readonly FoundSocket[] {
  const rank = ({ target: { address, port } }: FoundSocket) =>
    (virtual && isSameAddress(address, virtual.address) ? 0 : isLoopback(address) ? 4 : 2) +
    (port === 5060 ? 0 : 1);
  return sockets.filter(({ isSip }) => isSip).sort((one, other) => rank(one) - rank(other));
}

/** Whether kamailio.cfg answers a poll as it is. */
export function answersAsItIs(sockets: readonly FoundSocket[]): boolean {
  return sockets.every(({ withUser }) => withUser) || answersWithoutUserAlone(sockets);
}

function answersWithoutUserAlone(sockets: readonly FoundSocket[]): boolean {
  return sockets.some(({ withUser }) => !withUser) && sockets.every(({ withoutUser }) => withoutUser);
}

function listenParameters(seen: Seen): ParameterTexts {
  const sockets = polled(seen);
  const [first] = sockets;
  if (!first) return {};
  const { address, port } = first.target;
  const same = sockets.filter(({ target }) => target.port === port && isSameAddress(target.address, address));
  const has = (name: string) => same.some(({ target: { transport } }) => transport === name);
  const transports = has('udp') ? (has('tcp') ? 'udptcp' : 'udp') : 'tcp';
  const common = { listen_address: first.bound, port: String(port) };
  const proto = PROTOS.find(
    (name) => !name.startsWith('conf_') && isCommandLineOf(seen.options, { ...common, proto: name }),
  );
  if (proto) return { ...common, proto };
  const probes = furtherSockets(sockets, same);
  return {
    ...common,
    proto: `conf_${transports}`,
    ...(probes.length > 0 && { probes: probes.map(({ target }) => describeTarget(target)).join(' ') }),
  };
}

/** Whether -l and -T are exactly those that the agent itself would write for these parameters. */
function isCommandLineOf(options: CommandOptions, texts: ParameterTexts): boolean {
  const proto = PARAMETERS.proto.parse(texts.proto ?? '');
  const params = { listen_address: texts.listen_address ?? '', port: Number(texts.port), proto };
  const written = configuredArguments({ ...NO_OTHER, ...params });
  const listen = written.filter((word) => word !== '-l' && word !== '-T');
  return (
    options.listen.length > 0 &&
    options.withoutTcp === written.includes('-T') &&
    [...listen].sort().join(' ') === [...options.listen].sort().join(' ')
  );
}

const NO_OTHER = { kamuser: '', kamgroup: '', extra_options: [] };

/**
 * All sockets for `probes` where listen_address, port and proto do not name all that matter. A Kamailio without listen
 * lines has one on each address of the node: those of another node are others, so only the first is polled.
 */
function furtherSockets(all: readonly FoundSocket[], first: readonly FoundSocket[]): readonly FoundSocket[] {
  const outside = all.filter(({ target }) => !isLoopback(target.address));
  const wanted = outside.length > 0 ? outside : all;
  const isNamed = (socket: FoundSocket) => first.includes(socket) && socket.target.transport !== 'tls';
  if (wanted.every(isNamed)) return [];
  const ports = new Set(wanted.map(({ target }) => `${target.transport}:${target.port}`));
  const firstPorts = new Set(first.map(({ target }) => `${target.transport}:${target.port}`));
  const everywhere = coversNode(wanted.map(({ target }) => target.address));
  const isPlain = first.every(({ target }) => target.transport !== 'tls');
  if (everywhere && isPlain && [...ports].every((port) => firstPorts.has(port))) return [];
  return wanted;
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || isSameAddress(address, '::1') || isWildcard(address);
}

/**
 * Kamailio runs under the account that it has now, whoever changed to it: an option, the unit or kamailio.cfg. What the
 * command line says of another account does not count: any local user can write -u root behind a program's name.
 */
function accountParameters({ options, uid, gid }: Seen): ParameterTexts {
  const named = options.user === undefined ? undefined : findAccount(PARAMETERS.kamuser.parse(options.user));
  const account = named?.uid === uid ? named : findAccount(String(uid));
  const user = named?.uid === uid ? options.user : account?.name;
  const kamuser = uid === 0 ? '' : (user ?? String(uid));
  return account?.gid === gid ? { kamuser } : { kamuser, kamgroup: groupName(gid) };
}

function groupName(gid: number): string {
  const line = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .find((text) => text.split(':')[2] === String(gid));
  return line?.split(':')[0] ?? String(gid);
}

/** With proto=conf_*, what the command line says of sockets stays on it. */
function extraOptions({ rest, listen, withoutTcp }: CommandOptions, proto: string): string {
  const sockets = [...(withoutTcp ? ['-T'] : []), ...listen.flatMap((value) => ['-l', value])];
  return joinWords([...(proto.startsWith('conf_') ? sockets : []), ...rest]);
}
