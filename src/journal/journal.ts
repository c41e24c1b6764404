import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { Failure } from '../failure/failure.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { type Instance, isKnownAccount } from '../process/instance.ts';
import { startProgram } from '../system/program.ts';
import { oneLine } from '../text/one-line.ts';

const PROGRAMS = ['/usr/bin/journalctl', '/bin/journalctl'] as const;
/** Longer, a journal that is huge or a journalctl that hangs must not hold a verdict up, ms. */
const LIMIT_MS = 1000;
/** The kernel keeps that much of a program's name. */
const COMM_CHARACTERS = 15;
/** Newest entries that are looked at. */
const ENTRIES = '100';
/** More would push what the agent itself has seen out of a person's sight. */
const QUOTED = 3;
const QUOTED_CHARACTERS = 200;

/** `ERROR: <core> [core/udp_server.c:402]: udp_init(): `, and `{1 1 OPTIONS call-id} ` of a message's own prefix. */
const HEAD = /^(?:\{[^}]*\} )?[A-Z]+: (?:<script>: )?(?:(\S+) \[[^\]]+:\d+\]: )?(?:\w+\(\): )?/;

/** Lines that say what ended or crippled Kamailio. SIP scanners make others all day long. */
const TELLING =
  /exited by|exit status|signal \d|connect|database|\bdb\b|no (?:more|free)? ?(?:shared|private|pkg|shm|share)? ?mem|out of memory|too many open|no space|permission denied|in use|tls/i;
/** It says nothing about the cause. */
const EMPTY = /core was (?:not )?generated|^$/;

/** Error lines of one instance from the journal of systemd; undefined if this node has no journalctl. */
export interface Words {
  /** Those that say what happened, shortest first. */
  readonly telling: readonly string[];
  /** Others, the newest last. */
  readonly others: readonly string[];
}

/**
 * The last error lines of an instance's processes, also of those that are gone: journald has noted command line and
 * account of each. `since` is a time of journalctl, such as `-10min`. Never throws; takes 1 s at most.
 */
export async function kamailiosWords(
  instance: Instance,
  since: string,
  deadline: Deadline,
): Promise<Words | undefined> {
  const program = PROGRAMS.find((path) => existsSync(path));
  if (program === undefined) return undefined;
  const fields = '--output-fields=MESSAGE,_CMDLINE,_UID';
  const range = ['--priority=err', `--since=${since}`, `--lines=${ENTRIES}`];
  const words = [
    '--quiet',
    '--no-pager',
    '--output=json',
    fields,
    ...range,
    `_COMM=${basename(instance.binary).slice(0, COMM_CHARACTERS)}`,
  ];
  const { stdout } = await startProgram(program, words, process.env, deadline.sooner(LIMIT_MS)).end;
  const lines = stdout.split('\n').flatMap((line) => messageOf(line, instance) ?? []);
  const distinct = [...new Set(lines)].filter((line) => !EMPTY.test(line));
  return {
    telling: distinct
      .filter((line) => TELLING.test(line))
      .slice(-QUOTED)
      .sort((one, other) => one.length - other.length),
    others: distinct.filter((line) => !TELLING.test(line)).slice(-QUOTED),
  };
}

/**
 * A failure with Kamailio's own words of the last time. What tells the cause goes first, for the cluster keeps the first
 * 127 characters of a reason; what may be noise goes last. Words that it quotes already are not said twice.
 */
export async function withKamailiosWords(
  error: unknown,
  instance: Instance,
  since: string,
  deadline: Deadline,
): Promise<unknown> {
  if (!(error instanceof Failure) || deadline.passed) return error;
  const words = await kamailiosWords(instance, since, deadline);
  const problem = (lines: readonly string[]) => {
    const news = lines.filter((line) => !error.message.includes(line));
    return news.length === 0 ? [] : [{ where: 'its log', seen: news.join(' | ') }];
  };
  const telling = problem(words?.telling ?? []);
  const others = telling.length > 0 ? [] : problem(words?.others ?? []);
  if (telling.length + others.length === 0) return error;
  return new Failure([...telling, ...error.problems, ...others], error.code, error.about);
}

/** The message of an entry of `--output=json`; undefined for anything else, and for what another instance wrote. */
function messageOf(line: string, instance: Instance): string | undefined {
  const entry = parse(line);
  const { MESSAGE: message, _CMDLINE: command, _UID: uid } = entry;
  if (typeof message !== 'string' || typeof command !== 'string') return undefined;
  const isOwn = `${command} `.includes(` -P ${instance.pidfile} `) && isKnownAccount(Number(uid), instance);
  if (!isOwn) return undefined;
  return oneLine(
    message.replace(HEAD, (_head, module = '<core>') => (module === '<core>' ? '' : `${module}: `)),
    QUOTED_CHARACTERS,
  );
}

/** The first line may be cut, and what calls itself journalctl may print anything. */
function parse(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
