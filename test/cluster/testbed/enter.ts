import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { listPids, readStat } from '../../../src/process/procfs.ts';

/** The first process of a testbed or a node: whoever enters its namespaces is inside. Pids are the machine's. */
export interface Init {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: a pid alone may have come round again. */
  readonly startTime: string;
}

/** What a program came to. */
export interface Run {
  /** 137 also when it was ended because its time was up. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** ms after which the program and what it has started are killed; a minute unless said otherwise. */
  readonly timeoutMs?: number;
  /** Over the environment of a service: PATH, HOME, LANG, OCF_ROOT. */
  readonly env?: Readonly<Record<string, string>>;
  /** What the program reads from its stdin; nothing unless given. */
  readonly input?: string;
}

/** A program that runs inside beside the test. */
export interface Program {
  /** Its pid on the machine; undefined once it has ended. */
  pid(): number | undefined;
  /** What it has written so far. */
  stdout(): string;
  stderr(): string;
  /** Resolves when it has ended. */
  readonly ended: Promise<Run>;
  /** Signals it, and waits for its end. */
  stop(signal?: NodeJS.Signals): Promise<Run>;
}

const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LANG: 'C.UTF-8',
  OCF_ROOT: '/usr/lib/ocf',
} as const;

/** How long the last output of a program that has ended is waited for: a server that it left may hold its pipes. ms */
const LAST_OUTPUT_MS = 200;

export function isAlive(init: Init): boolean {
  const stat = readStat(init.pid);
  return stat !== undefined && stat.startTime === init.startTime && !['Z', 'X'].includes(stat.state);
}

/** Runs a program inside to its end. Throws when the testbed or node does not live. */
export function runInside(init: Init, argv: readonly string[], options: RunOptions = {}): Promise<Run> {
  const seconds = (options.timeoutMs ?? 60_000) / 1000;
  const limited = ['timeout', '--signal=KILL', String(seconds), ...argv];
  return startInside(init, limited, options).ended;
}

/** Starts a program inside and leaves it running. Throws when the testbed or node does not live. */
export function startInside(init: Init, argv: readonly string[], options: RunOptions = {}): Program {
  const child = spawnInside(init, argv, { env: environment(options), stdio: ['pipe', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  // A program that does not read its stdin is no error of the test's.
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.input ?? '');
  const ended = endOf(child).then((code) => ({ code, ...output }));
  const pid = () => childOf(child);
  return {
    pid,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    ended,
    stop: (signal = 'SIGTERM') => {
      signalQuietly(pid(), signal);
      return ended;
    },
  };
}

/** Enters the namespaces of `init`, as one process that has the program as its child. */
export function spawnInside(init: Init, argv: readonly string[], options: SpawnOptions): ChildProcess {
  if (!isAlive(init)) throw new Error(`process ${init.pid}, the first of the testbed or node, does not live`);
  // Its root, too: this process may live in a chroot, and the mount namespace begins outside of it.
  const namespaces = ['--mount', '--root', '--pid', '--net', '--ipc', '--uts'];
  return spawn('nsenter', [`--target=${init.pid}`, ...namespaces, '--', ...argv], options);
}

export function environment(options: RunOptions = {}): NodeJS.ProcessEnv {
  return { ...ENVIRONMENT, ...options.env };
}

function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => {
      const end = () => resolve(code);
      child.on('close', end);
      setTimeout(end, LAST_OUTPUT_MS);
    });
  });
}

/** The program itself: nsenter(1) stays outside of the pid namespace, and waits for it. */
function childOf(nsenter: ChildProcess): number | undefined {
  if (nsenter.exitCode !== null || nsenter.signalCode !== null) return undefined;
  return listPids().find((pid) => readStat(pid)?.parent === nsenter.pid);
}

function signalQuietly(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already.
  }
}
