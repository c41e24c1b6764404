import { type ChildProcess, spawn } from 'node:child_process';
import type { Deadline } from '../lifetime/deadline.ts';
import type { Account } from '../process/account.ts';
import { type ProcessStat, readEnvironment, readStat } from '../process/procfs.ts';
import { commandAs, whyNotRun } from '../process/run-as.ts';
import { randomDigits } from '../system/random.ts';
import { handToSyslog, keepsStderr, tellSyslog } from './stderr-to-syslog.ts';

/** A Kamailio that was launched. Its launcher forks the main process and exits when that one serves. */
export interface Launch {
  /** Of the launcher; undefined if it could not be started. */
  readonly pid: number | undefined;
  /** Resolves when the launcher has ended. */
  readonly ended: Promise<LaunchEnd>;
  /** Resolves when it has ended without bringing up a main process; never otherwise. */
  readonly failed: Promise<LaunchEnd>;
  /** How it ended, as soon as it has. */
  readonly end: LaunchEnd | undefined;
  /** What came out on stderr so far, the last 64 KiB. */
  readonly errors: string;
  /** Whether a process descends from this launch. */
  owns(process: ProcessStat): boolean;
  /** Stops listening, so that the agent can exit while Kamailio lives on. */
  release(): void;
  /** The same, for one that serves: if it logs to its stderr, that goes to syslog from now on. */
  releaseServing(mainPid: number, deadline: Deadline): void;
  /** The same, for one that failed: what it has said goes to syslog. */
  releaseFailed(deadline: Deadline): void;
}

export type LaunchEnd =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string }
  | { readonly kind: 'not started'; readonly error: Error };

/** Whether a launcher ended otherwise than by exit code 0. */
export function hasFailed(end: LaunchEnd): boolean {
  return !(end.kind === 'exit' && end.code === 0);
}

/** Marks all that descends from one launch: a daemon has left its parent, its session and its process group behind. */
const LAUNCH_MARK = 'OCF_KAMAILIO_LAUNCH';
const KEEP_CHARACTERS = 65_536;
/** How long a failed launcher's stderr is read on when a process of its own still holds it, ms. */
const LAST_WORDS_MS = 300;
/** Where a message begins behind another one: ` 2(183) ERROR: `. */
const INNER_HEAD = /(?<=\S) +(?=\d+\(\d+\) (?:EMERG|ALERT|CRITICAL|ERROR|WARNING|NOTICE|INFO|DEBUG): )/g;
/** `ERROR: <core> [core/udp_server.c:402]: udp_init(): ` */
const MESSAGE_HEAD = /^[A-Z]+: (\S+) \[[^\]]+:\d+\]: (?:\w+\(\): )?/;

/**
 * Starts a program from an argument vector, as `account`, with `variables` over its environment; no shell is involved. Its stderr goes through a pipe, not into
 * the agent's own: a Kamailio that logs to stderr keeps it open for life, and the executor would wait for
 * that. See `handToSyslog` for what becomes of the pipe.
 */
export function launch(
  binary: string,
  args: readonly string[],
  account: Account | undefined,
  variables: Readonly<Record<string, string>>,
): Launch {
  let errors = '';
  let end: LaunchEnd | undefined;
  const tag = randomDigits();
  // Without descriptors to spare there is not even a pipe.
  const { program, args: words, env } = commandAs(account, binary, args);
  const child: ChildProcess = spawn(program, words, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...env, ...variables, [LAUNCH_MARK]: tag },
  });
  const launchedAt = Number(readStat(child.pid ?? 0)?.startTime ?? Number.POSITIVE_INFINITY);
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-KEEP_CHARACTERS);
  });
  const ended = endOf(child).then((how) => {
    const why = hasFailed(how) && program !== binary ? whyNotRun(errors) : undefined;
    end = why === undefined ? how : { kind: 'not started', error: new Error(why) };
    return end;
  });
  const release = () => {
    child.stderr?.destroy();
    child.unref();
  };
  return {
    pid: child.pid,
    ended,
    failed: new Promise((resolve) => ended.then((how) => hasFailed(how) && resolve(how))),
    get end() {
      return end;
    },
    get errors() {
      return errors;
    },
    owns: ({ pid, startTime }) => {
      const environment = readEnvironment(pid);
      // A container's root may not read the environment of another account's process. Then its age decides.
      return environment ? environment.includes(`${LAUNCH_MARK}=${tag}`) : Number(startTime) >= launchedAt;
    },
    release,
    releaseServing: (mainPid, deadline) => {
      if (child.stderr && keepsStderr(mainPid)) {
        tellSyslog(errors, binary, mainPid, deadline);
        handToSyslog(child.stderr, binary, mainPid);
      }
      release();
    },
    releaseFailed: (deadline) => {
      if (child.pid !== undefined) tellSyslog(errors, binary, child.pid, deadline);
      release();
    },
  };
}

/**
 * The error lines of Kamailio's output, without its informative chatter. Of what stands in front of a message
 * - pid, severity, module, place in the source, function - only a module is left: Pacemaker shows no more than
 * 128 characters of a reason. The first three tell most of a rejected configuration, the last three of a failed launch;
 * but there the first that names a cause goes before them: what could not be reached or opened stands far above what
 * failed because of it.
 */
export function errorLines(output: string, which: 'first' | 'last'): string[] {
  // Two processes that write at the same time may leave both lines on one.
  const lines = output
    .replaceAll(INNER_HEAD, '\n')
    .split('\n')
    .filter((line) => line.trim() !== '' && !/\b(INFO|NOTICE|DEBUG|WARNING): /.test(line))
    .map((line) => line.replace(/^ *\d+\(\d+\) */, '').trim())
    .map((line) => line.replace(MESSAGE_HEAD, (_head, module) => (module === '<core>' ? '' : `${module}: `)));
  if (which === 'first') return lines.slice(0, 3);
  const cause = lines.find((line) => CAUSES.some((cause) => cause.test(line)));
  const last = [...new Set(lines)].filter((line) => line !== cause);
  return cause === undefined ? last.slice(-3) : [cause, ...last.slice(-2)];
}

/** What the system says of a file, an address or a module; and what Kamailio's modules say they failed to do. */
const CAUSES = [
  /refused|denied|no such file|not found|already in use|cannot assign|timed out|unreachable|\berrno\b/i,
  /(?:unable|could not|cannot|can't|failed) (?:to )?(?:connect|open|load|find|bind|resolve|create|read|write|access)/i,
];

function endOf(child: ChildProcess): Promise<LaunchEnd> {
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ kind: 'not started', error }));
    child.on('exit', (code, signal) => {
      const end: LaunchEnd = signal ? { kind: 'signal', signal } : { kind: 'exit', code: code ?? -1 };
      // A main process that serves may hold stderr open for life; one that failed has said all when it closes.
      if (code === 0) resolve(end);
      else {
        child.on('close', () => resolve(end));
        setTimeout(() => resolve(end), LAST_WORDS_MS);
      }
    });
  });
}
