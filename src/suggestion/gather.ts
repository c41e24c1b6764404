import { readFileSync } from 'node:fs';
import { Failure } from '../failure/failure.ts';
import { PARAMETERS } from '../interface/parameters.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { OCF_ERR_ARGS } from '../ocf/exit-code.ts';
import { findAccount } from '../process/account.ts';
import { describeProcess } from '../process/describe.ts';
import { isOnThisNode } from '../process/local-address.ts';
import { commandAs } from '../process/run-as.ts';
import { findWorkers } from '../process/workers.ts';
import { runProgram } from '../system/run-program.ts';
import { oneLine } from '../text/one-line.ts';
import { findVirtualAddress } from './addresses.ts';
import type { ClusterView } from './cluster.ts';
import { type CommandOptions, readCommandOptions } from './command-options.ts';
import { configuredControlPlane, findControlPlane } from './control-plane.ts';
import type { FoundKamailio } from './found.ts';
import type { Seen } from './parameters.ts';
import { type FoundSocket, pollSockets } from './sockets.ts';

/** What is known of the Kamailio that is to come under the cluster. */
export interface Gathered {
  readonly seen: Seen;
  /** For a person. */
  readonly found: string;
  /** Why its processes cannot be taken over as they are. */
  readonly restart: readonly string[];
  /** The name of the resource. */
  readonly name: string;
}

/** Looks at a Kamailio that runs: its command line, account, sockets and FIFO. Polls its sockets. */
export async function gatherRunning(
  kamailio: FoundKamailio,
  cluster: ClusterView,
  deadline: Deadline,
): Promise<Gathered> {
  const { main, options, uid, gid } = kamailio;
  const conffile = conffileOf(options);
  const name = freeName(conffile, cluster);
  const pidfile = options.pidfile ?? '/';
  const program = kamailio.program ?? PARAMETERS.binary.default;
  const pids = [main, ...findWorkers(main, { binary: program, pidfile })].map(({ pid }) => pid);
  const [sockets, control] = await Promise.all([
    pollSockets(pids, deadline),
    findControlPlane({ pid: main.pid, pids, uid, gid }, conffile, pidfile, name, deadline),
  ]);
  const virtual = findVirtualAddress(
    sockets.map(({ target }) => target.address),
    cluster,
  );
  return {
    seen: { program, conffile, options, uid, gid, sockets, virtual, control },
    found: `Kamailio ${describeProcess(main.pid)}`,
    restart: whyRestart(options),
    name,
  };
}

/** The same for a Kamailio that does not run, by its configuration file: Kamailio itself says what it would listen on. */
export function gatherConfiguration(
  conffile: string,
  binary: string,
  cluster: ClusterView,
  deadline: Deadline,
): Gathered {
  const account = findAccount('kamailio');
  const name = freeName(conffile, cluster);
  const options = readCommandOptions(defaultMemory());
  const sockets = configuredSockets(conffile, binary, options, deadline);
  const virtual = findVirtualAddress(
    sockets.map(({ target }) => target.address).filter(isOnThisNode),
    cluster,
  );
  const control = configuredControlPlane(conffile, PARAMETERS.pidfile.default, name);
  const { uid, gid } = account ?? { uid: 0, gid: 0 };
  return {
    seen: { program: binary, conffile, options, uid, gid, sockets, virtual, control },
    found: `${conffile}; no Kamailio runs with it, so nothing could be polled`,
    restart: [],
    name,
  };
}

function whyRestart({ pidfile, pidfileIsJoined, dropped }: CommandOptions): string[] {
  return [
    ...(pidfile === undefined
      ? ['it was started without -P and a pidfile, by which the agent knows its processes']
      : []),
    ...(pidfileIsJoined ? ['-P and its pidfile are one word; the agent knows its processes by two'] : []),
    ...(dropped.length > 0
      ? [
          `${dropped.join(' ')} is left out: under the cluster Kamailio runs in the background and logs to syslog`,
        ]
      : []),
  ];
}

function conffileOf({ conffile = PARAMETERS.conffile.default }: CommandOptions): string {
  if (conffile.startsWith('/')) return conffile;
  throw new Failure(
    {
      seen: `this Kamailio was started with -f ${oneLine(conffile, 200)}, a relative path`,
      remedy: 'call suggest again with its full path, --conffile=/...',
    },
    OCF_ERR_ARGS,
  );
}

/** kamailio, or as the configuration file is called; with a number if the cluster has a resource of that name. */
function freeName(conffile: string, { ids }: ClusterView): string {
  const file = conffile.split('/').at(-1) ?? '';
  const base = /^([A-Za-z][\w-]{0,40})\.cfg$/.exec(file)?.[1] ?? 'kamailio';
  const names = [base, ...Array.from({ length: 99 }, (_, index) => `${base}-${index + 2}`)];
  return names.find((name) => !ids.includes(name)) ?? base;
}

/** SHM_MEMORY and PKG_MEMORY of /etc/default/kamailio, which Debian's unit passes by -m and -M. */
function defaultMemory(): string[] {
  const text = readText('/etc/default/kamailio');
  return Object.entries({ SHM_MEMORY: '-m', PKG_MEMORY: '-M' }).flatMap(([name, option]) => {
    const value = new RegExp(`^${name}=["']?(\\d+)`, 'm').exec(text)?.[1];
    return value === undefined ? [] : [option, value];
  });
}

/** What `kamailio -c` prints below "Listening on". */
function configuredSockets(
  conffile: string,
  binary: string,
  options: CommandOptions,
  deadline: Deadline,
): FoundSocket[] {
  const command = commandAs(findAccount('kamailio'), binary, ['-c', '-f', conffile, ...options.rest]);
  const check = runProgram(command.program, command.args, { env: command.env, limitMs: deadline.remaining });
  if (check.status !== 0) {
    throw new Failure(
      {
        seen: `Kamailio does not accept ${conffile}: ${oneLine(check.error?.message ?? check.stderr, 300)}`,
        remedy: `mend the file; \`${binary} -c -f ${conffile}\` shows all`,
      },
      OCF_ERR_ARGS,
    );
  }
  const listed = `${check.stdout}\n${check.stderr}`.split(/^Listening on *$/m)[1]?.split(/^\S/m)[0] ?? '';
  return [...listed.matchAll(/^\s+(udp|tcp|tls): (?:\S+ \[)?\[?([\d.]+|[\da-fA-F:]+)\]*:(\d+)/gm)].map(
    ([, scheme, address = '', port]) => ({
      target: {
        transport: scheme === 'udp' ? 'udp' : scheme === 'tcp' ? 'tcp' : 'tls',
        address,
        port: Number(port),
      },
      bound: address,
      withUser: true,
      withoutUser: false,
      isSip: true,
    }),
  );
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
