import { readFileSync, realpathSync, statSync } from 'node:fs';
import { controlSettings } from '../checks/control-settings.ts';
import { Failure } from '../failure/failure.ts';
import { PARAMETERS } from '../interface/parameters.ts';
import { callCtl } from '../kamctl/ctl.ts';
import { replyFifoPrefix, spareFifoPath } from '../kamctl/fifo-names.ts';
import { askUptime } from '../kamctl/methods.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { openPaths } from '../process/sockets.ts';
import { listeningPaths } from '../process/unix-sockets.ts';

/** How the control plane of a Kamailio is reached. */
export interface FoundControlPlane {
  /** What answers, in words; undefined if nothing does. */
  readonly answering?: 'the FIFO that this Kamailio reads' | "ctl's socket, on which this Kamailio answers";
  /** Value of the parameter kamctlrc. */
  readonly kamctlrc: string;
  /** What is to be written into that file, line by line. Empty if nothing is missing. */
  readonly lines: readonly string[];
  /** What came of FIFOs and sockets that did not answer. */
  readonly refused: readonly string[];
}

const FIFO = 'the FIFO that this Kamailio reads';

/** Another Kamailio's FIFO is asked a short while only, ms. */
const PATIENCE_MS = 1500;

/**
 * Finds the FIFO that a Kamailio reads, or else ctl's socket, and which kamctlrc names it: the default one if it does
 * already or names none, else one of this instance's own. `name` is the resource's.
 */
export async function findControlPlane(
  process: {
    readonly pid: number;
    /** All of its processes: that of ctl alone keeps ctl's socket open. */
    readonly pids: readonly number[];
    readonly uid: number;
    readonly gid: number;
  },
  conffile: string,
  pidfile: string,
  name: string,
  deadline: Deadline,
): Promise<FoundControlPlane> {
  const refused: string[] = [];
  const directory = replyDirectoryOf(conffile);
  for (const fifo of openPaths(process.pid).filter(isFifo)) {
    const settings = {
      fifo,
      replyDirectory: directory,
      replyPrefix: replyFifoPrefix(directory, pidfile),
      spareFifo: spareFifoPath(directory, pidfile),
      chroot: '',
      kamctlDirectory: '/tmp',
    };
    try {
      await askUptime(settings, process, deadline.sooner(PATIENCE_MS));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      refused.push(error.message);
      continue;
    }
    const lines = [`RPCFIFOPATH=${fifo}`, ...(directory === '/tmp' ? [] : [`RPCFIFOREPLYDIR=${directory}`])];
    return { answering: FIFO, refused, ...whichFile(fifo, directory, lines, pidfile, name) };
  }
  return overCtl(process.pids, pidfile, name, refused, deadline);
}

/** The same for a Kamailio that loads ctl alone: kamctl does not know that socket, so it gets a file of its own. */
async function overCtl(
  pids: readonly number[],
  pidfile: string,
  name: string,
  refused: string[],
  deadline: Deadline,
): Promise<FoundControlPlane> {
  for (const socket of listeningPaths(pids)) {
    try {
      await callCtl(socket, 'core.uptime', [], deadline.sooner(PATIENCE_MS));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      refused.push(error.message);
      continue;
    }
    const kamctlrc = [PARAMETERS.kamctlrc.default, ownFile(name)].find(
      (path) => socketIn(path, pidfile) === socket,
    );
    const lines = kamctlrc === undefined ? [`RPCCTLSOCKET=${socket}`] : [];
    const answering = "ctl's socket, on which this Kamailio answers";
    return { answering, refused, kamctlrc: kamctlrc ?? ownFile(name), lines };
  }
  return { kamctlrc: '', lines: [], refused };
}

/** The socket that a kamctlrc names already. */
function socketIn(kamctlrc: string, pidfile: string): string | undefined {
  try {
    return controlSettings({ kamctlrc, pidfile }).ctlSocket;
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

function ownFile(name: string): string {
  return `${PARAMETERS.kamctlrc.default}.${name}`;
}

/** The control plane that a configuration file names while nothing runs; only plain words of that file count. */
export function configuredControlPlane(conffile: string, pidfile: string, name: string): FoundControlPlane {
  const text = textOf(conffile);
  if (!/^\s*loadmodule\s*\(?\s*"(?:[^"]*\/)?jsonrpcs(?:\.so)?"/m.test(text))
    return { kamctlrc: '', lines: [], refused: [] };
  const fifo = moduleParameter(text, 'fifo_name') ?? '/run/kamailio/kamailio_rpc.fifo';
  const directory = replyDirectoryOf(conffile);
  const lines = [`RPCFIFOPATH=${fifo}`, ...(directory === '/tmp' ? [] : [`RPCFIFOREPLYDIR=${directory}`])];
  return { answering: FIFO, refused: [], ...whichFile(fifo, directory, lines, pidfile, name) };
}

/** The kamctlrc that names a FIFO, or that may. */
function whichFile(
  fifo: string,
  replyDirectory: string,
  lines: readonly string[],
  pidfile: string,
  name: string,
): { readonly kamctlrc: string; readonly lines: readonly string[] } {
  const standard = PARAMETERS.kamctlrc.default;
  for (const kamctlrc of [standard, ownFile(name)]) {
    try {
      const settings = controlSettings({ kamctlrc, pidfile });
      if (isSameFile(settings.fifo, fifo) && settings.replyDirectory === replyDirectory)
        return { kamctlrc, lines: [] };
      // It names no FIFO, so a line more changes nothing for others.
      if (!/^\s*(?:export\s+)?RPCFIFOPATH=/m.test(readFileSync(kamctlrc, 'utf8'))) return { kamctlrc, lines };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (kamctlrc !== standard) return { kamctlrc, lines };
    }
  }
  return { kamctlrc: ownFile(name), lines };
}

/** fifo_reply_dir of kamailio.cfg, where that file has it in plain words; Kamailio's own default is /tmp. */
function replyDirectoryOf(conffile: string): string {
  return moduleParameter(textOf(conffile), 'fifo_reply_dir')?.replace(/(?<=.)\/+$/, '') ?? '/tmp';
}

function moduleParameter(text: string, name: string): string | undefined {
  const set = new RegExp(`^\\s*modparam\\(\\s*"jsonrpcs"\\s*,\\s*"${name}"\\s*,\\s*"([^"]+)"\\s*\\)`, 'm');
  return set.exec(text)?.[1];
}

function textOf(path: string): string {
  try {
    return statSync(path).isFile() ? readFileSync(path, 'utf8') : '';
  } catch {
    return '';
  }
}

function isFifo(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFIFO() ?? false;
}

function isSameFile(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return one === other;
  }
}
