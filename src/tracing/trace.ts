import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isatty } from 'node:tty';
import { Failure } from '../failure/failure.ts';
import { errorCode } from '../failure/system-error.ts';
import { absolutePath } from '../interface/domains.ts';
import { PARAMETER_NAMES } from '../interface/parameters.ts';
import type { Invocation } from '../ocf/invocation.ts';
import { ensureDirectory } from '../process/directory.ts';
import { checkDirectory } from '../process/directory-check.ts';
import { hasControl } from '../text/control-characters.ts';
import { oneLine } from '../text/one-line.ts';
import type { Note } from './note.ts';

/**
 * Opens the trace of one operation where crmsh looks for it: TRACE_DIR/TYPE/INSTANCE.ACTION.TIME, or the file or
 * descriptor that OCF_TRACE_FILE names (ocf-shellfuncs, `ocf_start_trace`). Its first lines are the parameters, without
 * what may hold passwords. Undefined if a terminal called and named no file. Throws Failure if the place is not safe or
 * cannot be written: the operation is to go on without a trace.
 */
export function openTrace(invocation: Invocation): Note | undefined {
  const fd = openPlace(invocation);
  if (fd === undefined) return undefined;
  const write = (text: string) => {
    try {
      writeSync(fd, `${timeOfDay()} ${withoutPasswords(oneLine(text))}\n`);
    } catch {
      // A disk that is full is no reason to fail a resource.
    }
  };
  write(`${invocation.action} of ${invocation.instance}, pid ${process.pid}, ${limits(invocation)}`);
  for (const line of parameterLines(invocation.env)) write(line);
  return (text) => write(text());
}

function openPlace(invocation: Invocation): number | undefined {
  const { env } = invocation;
  const file = env.OCF_TRACE_FILE || env.OCF_RESKEY_trace_file || '';
  if (/^[3-9]$/.test(file)) return Number(file);
  if (file === '' && isatty(0)) return undefined;
  const path = file === '' ? standardPath(invocation) : absolutePath(file);
  try {
    ensureDirectory(dirname(path), undefined, 'checked');
    return openFile(path);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure({ seen: `${path} cannot be written (${errorCode(error)})` });
  }
}

function standardPath({ env, instance, action }: Invocation): string {
  const directory = absolutePath(
    env.OCF_RESKEY_trace_dir || join(env.HA_VARLIB || '/var/lib/heartbeat', 'trace_ra'),
  );
  // The directory that an administrator names is judged too, not only the one below it.
  checkDirectory(directory, undefined);
  const type = env.OCF_RESOURCE_TYPE || 'kamailio';
  const name = `${instance}.${action}.${day()}.${timeOfDay().slice(0, 8)}`;
  if ([type, name].some((part) => basename(part) !== part || hasControl(part)))
    throw new Failure({ seen: `"${oneLine(`${type}/${name}`, 120)}" cannot be the name of a trace` });
  return join(directory, type, name);
}

/** Two operations of one second share a file, as lines of both. What somebody else made there is not written to. */
function openFile(path: string): number {
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;
  const fd = openSync(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600);
  const found = fstatSync(fd);
  if (found.isFile() && found.nlink === 1 && found.uid === process.geteuid?.()) return fd;
  closeSync(fd);
  throw new Failure({ seen: `${path} is not a plain file of this account alone` });
}

function limits({ timeoutMs, checkLevel }: Invocation): string {
  return `timeout ${timeoutMs ?? 'unset'} ms, check level ${checkLevel ?? 'unset'}`;
}

function parameterLines(env: NodeJS.ProcessEnv): string[] {
  return PARAMETER_NAMES.flatMap((name) => {
    const text = env[`OCF_RESKEY_${name}`];
    if (text === undefined) return [];
    // Defines, module parameters and variables are where passwords of databases are.
    return name === 'extra_options' || name === 'environment'
      ? [`${name}: ${text.length} characters, which may hold passwords and are not shown`]
      : [`${name}=${text}`];
  });
}

/** Kamailio's own words may name the URL of a database. */
function withoutPasswords(text: string): string {
  return text.replace(/(\w:\/\/[^\s/:@]*:)[^\s@]*@/g, '$1***@');
}

/** Local date, as `date +%F` writes it. */
function day(): string {
  const now = new Date();
  return [now.getFullYear(), now.getMonth() + 1, now.getDate()].map(two).join('-');
}

/** Local time with ms: 23:05:09.042. */
function timeOfDay(): string {
  const now = new Date();
  const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(':');
  return `${time}.${String(now.getMilliseconds()).padStart(3, '0')}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
