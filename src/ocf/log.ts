import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { oneLine } from '../text/one-line.ts';
import type { Invocation } from './invocation.ts';
import { prepareSyslog, toSyslog } from './syslog.ts';

/** What the agent has to say while it works; never used by a healthy monitor. */
export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  /** As `info`, for the last line of an action, which then does not wait until syslog has it. */
  done(message: string): void;
  /** Records an exit reason, which is the last line; on stderr it stands by itself, see `writeExitReason`. */
  exitReason(reason: string): void;
  /** Gets ready for a line that is to follow, while there is time. */
  prepare(): void;
}

type Level = 'debug' | 'info' | 'warning' | 'error';

/** The names that the resource agents of the field write for their levels. */
const LEVEL_NAMES = { debug: 'debug', info: 'INFO', warning: 'WARNING', error: 'ERROR' } as const;
/** syslog(3) priorities. */
const PRIORITIES = { debug: 'debug', info: 'info', warning: 'warning', error: 'err' } as const;

/**
 * Opens the log: one line a message. Each goes to stderr, which the executor copies into the cluster's
 * log, and, as for every resource agent, to syslog when HA_LOGFACILITY names a facility, and into the
 * files HA_LOGFILE and HA_DEBUGLOG (the latter takes debug messages too). `debug` is silent unless
 * HA_debug is above 0. No file is opened and no program started before there is something to say.
 */
export function openLog(invocation: Invocation): Log {
  const say = (level: Level, isLast: boolean) => (message: string) => {
    const line = harmless(message, invocation.env);
    writeError(`${LEVEL_NAMES[level]}: ${line}\n`);
    record(invocation, level, line, isLast);
  };
  return {
    debug: invocation.debugging ? say('debug', false) : () => {},
    info: say('info', false),
    warn: say('warning', false),
    done: say('info', true),
    exitReason: (reason) => record(invocation, 'error', harmless(reason, invocation.env), true),
    prepare: () => facilityOf(invocation.env) !== undefined && prepareSyslog(),
  };
}

/**
 * Prints the exit reason in the form the executor picks out of stderr (OCF RA API 1.1: the prefix is
 * `$OCF_EXIT_REASON_PREFIX`, or `ocf-exit-reason:`).
 */
export function writeExitReason(reason: string, env: NodeJS.ProcessEnv): void {
  writeError(`${prefixOf(env)}${harmless(reason, env)}\n`);
}

/**
 * One line in which no foreign text passes for an exit reason: the executor takes what stands behind the last
 * prefix in all of stderr, also in the middle of a line, so a SIP reply could choose what the cluster shows.
 */
function harmless(text: string, env: NodeJS.ProcessEnv): string {
  const prefix = prefixOf(env);
  return oneLine(text).replaceAll(prefix, `${prefix.slice(0, -1)}?`);
}

function prefixOf(env: NodeJS.ProcessEnv): string {
  return env.OCF_EXIT_REASON_PREFIX || 'ocf-exit-reason:';
}

/** Writes a line wherever messages go besides stderr. */
function record({ env, instance }: Invocation, level: Level, line: string, isLast: boolean): void {
  const tag = `kamailio(${oneLine(instance, 80)})[${process.pid}]`;
  const entry = () => `${tag}:\t${timestamp()} ${LEVEL_NAMES[level]}: ${line}\n`;
  if (env.HA_LOGFILE && level !== 'debug') append(env.HA_LOGFILE, entry());
  if (env.HA_DEBUGLOG && env.HA_DEBUGLOG !== env.HA_LOGFILE) append(env.HA_DEBUGLOG, entry());
  const facility = facilityOf(env);
  if (facility !== undefined) toSyslog(`${facility}.${PRIORITIES[level]}`, tag, line, isLast);
}

/** A facility is a word (syslog(3)); `none` is how it is switched off. */
function facilityOf({ HA_LOGFACILITY: facility = '' }: NodeJS.ProcessEnv): string | undefined {
  return /^[a-z0-9]+$/.test(facility) && facility !== 'none' ? facility : undefined;
}

function append(path: string, entry: string): void {
  try {
    // A FIFO or a link in the file's place must not hold root up or lead it elsewhere.
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;
    const fd = openSync(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o640);
    const found = fstatSync(fd);
    // The directory may be that of the cluster's account: a file with a second name may be anybody's.
    if (found.isFile() && found.nlink === 1) writeSync(fd, entry);
    closeSync(fd);
  } catch {
    // A log that cannot be written is no reason to fail a resource; the same line stands on stderr.
  }
}

/**
 * As syslog writes it: `Nov 22 21:00:00`, local time. Names of months as ECMAScript has them; those of a locale
 * would cost a start 20 ms.
 */
function timestamp(): string {
  const now = new Date();
  const month = now.toDateString().slice(4, 7);
  const two = (value: number, fill: string) => String(value).padStart(2, fill);
  const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map((value) => two(value, '0'));
  return `${month} ${two(now.getDate(), ' ')} ${time.join(':')}`;
}

/** Writes at once, so that nothing is lost when the process exits next; an executor that is gone is no error. */
function writeError(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // The reader has gone away, or its pipe is full. The exit code still tells.
  }
}
