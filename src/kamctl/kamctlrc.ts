import { readFileSync, statSync } from 'node:fs';
import { Failure } from '../failure/failure.ts';
import { errorCode } from '../failure/system-error.ts';
import { hasControl } from '../text/control-characters.ts';
import { replyFifoPrefix, spareFifoPath } from './fifo-names.ts';

/** The settings of a kamctlrc that say where the control plane is. */
export interface ControlSettings {
  /** The FIFO that Kamailio reads requests from. */
  readonly fifo: string;
  /** The stream socket of Kamailio's module ctl, which is asked in place of the FIFO if it is set. */
  readonly ctlSocket?: string;
  /** Where replies come: Kamailio writes them to FIFOs in the `tmp` of its root, or where its fifo_reply_dir says. */
  readonly replyDirectory: string;
  /** What the names of the instance's reply FIFOs there begin with. */
  readonly replyPrefix: string;
  /** The FIFO in that directory that waits for the next reply; none may be there. */
  readonly spareFifo: string;
  /** Kamailio's root (its option -t); empty for the node's own. */
  readonly chroot: string;
  /** Where kamctl has its replies come; it knows no other place. */
  readonly kamctlDirectory: string;
}

const FILE_LIMIT_BYTES = 1_048_576;

/** kamctl's own places when RPCFIFOPATH is not set: the first if it is a FIFO, else the second (kamctl.rpcfifo). */
const DEFAULT_FIFOS = ['/var/run/kamailio/kamailio_rpc.fifo', '/run/kamailio/kamailio_rpc.fifo'] as const;

/**
 * Reads the control settings of the instance with this pidfile from its kamctlrc. kamctl sources that file as shell
 * code; here it is data: `NAME=value` with shell quotes, comments and `export`, and nothing is executed or expanded.
 * Throws the system's error when it cannot be read, Failure for a setting that needs a shell.
 */
export function readControlSettings(path: string, pidfile: string): ControlSettings {
  const settings = parseKamctlrc(readText(path), path);
  const chroot = settings.get('CHROOT_DIR') ?? '';
  const kamctlDirectory = `${chroot}/tmp`;
  const ctlSocket = settings.get('RPCCTLSOCKET');
  const replyDirectory = settings.get('RPCFIFOREPLYDIR')?.replace(/(?<=.)\/+$/, '') || kamctlDirectory;
  return {
    fifo: settings.get('RPCFIFOPATH') || defaultFifo(),
    ...(ctlSocket && { ctlSocket }),
    chroot,
    kamctlDirectory,
    replyDirectory,
    replyPrefix: replyFifoPrefix(replyDirectory, pidfile),
    spareFifo: spareFifoPath(replyDirectory, pidfile),
  };
}

/** Parses the settings out of the text of a kamctlrc; `path` is for the messages. */
export function parseKamctlrc(text: string, path: string): Map<string, string> {
  const settings = new Map<string, string>();
  for (const [index, line] of text.split('\n').entries()) {
    const [, name, written] =
      /^\s*(?:export\s+)?(RPCFIFOPATH|RPCCTLSOCKET|RPCFIFOREPLYDIR|CHROOT_DIR)=(.*)$/.exec(
        line.replace(/\r$/, ''),
      ) ?? [];
    if (name === undefined || written === undefined) continue;
    const value = readValue(written);
    if (value === undefined || (value !== '' && !value.startsWith('/')) || hasControl(value)) {
      throw new Failure({
        seen: `${path} line ${index + 1}: ${name} is no plain absolute path`,
        remedy: 'this agent does not run shell code, so write the path out',
      });
    }
    settings.set(name, value);
  }
  return settings;
}

/** One shell word, quotes taken away; undefined when a shell would expand it or find more behind it. */
function readValue(written: string): string | undefined {
  // Mostly it is a plain path. To compile the whole grammar below takes a monitor 0.2 ms.
  const plain = /^(["']?)([\w/.-]+)\1$/.exec(written.trimEnd())?.[2];
  if (plain !== undefined) return plain;
  const word =
    /^((?:"[^"$`\\]*"|'[^']*'|\\[^\n]|[^\s"'`$\\;&|<>()#])(?:"[^"$`\\]*"|'[^']*'|\\[^\n]|[^\s"'`$\\;&|<>()])*)?(?:\s*;\s*(?:#.*)?|\s+#.*)?$/.exec(
      written.trimEnd(),
    );
  if (!word) return undefined;
  return (word[1] ?? '').replace(
    /"([^"]*)"|'([^']*)'|\\(.)/g,
    (_, double, single, escaped) => double ?? single ?? escaped,
  );
}

function readText(path: string): string {
  // A FIFO or device in the file's place would hold the agent up or flood it.
  const stat = statSync(path);
  if (!stat.isFile() || stat.size > FILE_LIMIT_BYTES) {
    throw new Failure({
      seen: `${path} is no text file of settings`,
      remedy: 'put the kamctlrc of this instance there',
    });
  }
  return readFileSync(path, 'utf8');
}

function defaultFifo(): string {
  const [first, second] = DEFAULT_FIFOS;
  try {
    return statSync(first, { throwIfNoEntry: false })?.isFIFO() ? first : second;
  } catch (error) {
    // Only root and Kamailio's group may look into that directory: opening the FIFO shows so.
    if (errorCode(error) === 'EACCES') return first;
    throw error;
  }
}
