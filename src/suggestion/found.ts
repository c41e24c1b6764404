import { basename } from 'node:path';
import {
  listPids,
  type ProcessStat,
  readArgv,
  readExecutable,
  readMaps,
  readStat,
  readStatus,
} from '../process/procfs.ts';
import { type CommandOptions, readCommandOptions } from './command-options.ts';

/** A Kamailio that runs on this machine. */
export interface FoundKamailio {
  readonly main: ProcessStat;
  readonly argv: readonly string[];
  readonly options: CommandOptions;
  /** Its program, also if an upgrade has replaced the file; undefined if the kernel hides it from this account. */
  readonly program: string | undefined;
  readonly uid: number;
  readonly gid: number;
  /** It lives in a container: another PID namespace than the agent's. */
  readonly inContainer: boolean;
}

/**
 * The main process of every Kamailio that this machine shows. A program of another kind whose name holds "kamailio" is
 * none: Kamailio's program is called `kamailio`, and has modules of Kamailio in its memory as far as that can be seen.
 */
export function findKamailios(): FoundKamailio[] {
  const candidates = listPids().flatMap((pid) => identifyKamailio(pid) ?? []);
  const pids = new Set(candidates.map(({ main }) => main.pid));
  // Workers and their children have the main process for a parent; a worker that a crash left has none.
  return candidates.filter(({ main }) => !pids.has(main.parent));
}

function identifyKamailio(pid: number): FoundKamailio | undefined {
  const argv = readArgv(pid);
  const main = readStat(pid);
  const status = readStatus(pid);
  if (!argv || !main || !status) return undefined;
  const executable = readExecutable(pid);
  if (executable === 'gone') return undefined;
  const program = executable === 'hidden' ? undefined : executable.path.replace(/ \(deleted\)$/, '');
  if (basename(program ?? argv[0] ?? '') !== 'kamailio') return undefined;
  if (program === undefined && main.name !== 'kamailio') return undefined;
  if (!hasModules(pid)) return undefined;
  return {
    main,
    argv,
    options: readCommandOptions(argv.slice(1)),
    program,
    uid: status.uid,
    gid: status.gid,
    inContainer: status.pidNamespaces > 1,
  };
}

/** Whether a process has a module in its memory, of which no Kamailio that does anything has none. */
function hasModules(pid: number): boolean {
  const maps = readMaps(pid);
  return maps === undefined || maps === '' || /\/modules\/\w+\.so(?: \(deleted\))?$/m.test(maps);
}
