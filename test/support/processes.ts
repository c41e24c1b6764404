import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { until } from './instance.ts';

/** Command lines of all processes that have `word` among their arguments, whatever program they run, by pid. */
export function processesNaming(word: string): Map<number, readonly string[]> {
  const found = new Map<number, readonly string[]>();
  for (const name of readdirSync('/proc')) {
    const words = /^\d+$/.test(name) ? commandLine(Number(name)) : [];
    if (words.includes(word)) found.set(Number(name), words);
  }
  return found;
}

/** The words of a process's command line; none when it is gone or a zombie. */
export function commandLine(pid: number): readonly string[] {
  const text = readProc(pid, 'cmdline');
  return text === '' ? [] : text.replace(/\0$/, '').split('\0');
}

/** State letter of proc(5), empty when the process is gone. */
export function stateOf(pid: number): string {
  return /\) (\S)/.exec(readProc(pid, 'stat'))?.[1] ?? '';
}

/** Whether a process lives; a zombie does not. */
export function isAlive(pid: number): boolean {
  return !['', 'Z', 'X'].includes(stateOf(pid));
}

/** Signals processes by pid; one that is gone already is passed over. */
export function signalAll(pids: Iterable<number>, signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // Gone already.
    }
  }
}

/** A program that a test runs beside the agent. */
export interface Bystander {
  readonly pid: number;
  /** The signal that ended it, or its exit code; undefined while it lives. */
  ended(): string | number | undefined;
}

/** Runs a program, waits until it is executed, hands it to `body`, and kills it afterwards. */
export async function withProgram(
  file: string,
  args: readonly string[],
  options: SpawnOptions,
  body: (program: Bystander) => Promise<void>,
): Promise<void> {
  const child: ChildProcess = spawn(file, args, { stdio: 'ignore', ...options });
  let end: string | number | undefined;
  const gone = new Promise<void>((resolve) => {
    child.on('error', (error) => {
      end = error.message;
      resolve();
    });
    child.on('exit', (code, signal) => {
      end = signal ?? code ?? -1;
      resolve();
    });
  });
  try {
    const { pid } = child;
    if (pid === undefined) throw new Error(`${file} cannot be run`);
    await body({ pid, ended: () => end });
  } finally {
    if (end === undefined) child.kill('SIGKILL');
    await gone;
  }
}

/** Runs a `sleep`: a live process that is none of the agent's business. */
export function withSleep(body: (sleep: Bystander) => Promise<void>): Promise<void> {
  return withProgram('/bin/sleep', ['1000'], {}, body);
}

/** Waits until a process is gone, and its parent has taken note: its number is free again. */
export function untilGone(pid: number): Promise<void> {
  return until(() => stateOf(pid) === '', `process ${pid} is gone`);
}

function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
