import { execFile, spawnSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import { nextTurn } from '../../src/lifetime/clock.ts';

/** The project's directory, with a slash at its end. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What a program came to. */
export interface Run {
  readonly status: number | null;
  /** Output and errors, as they came. */
  readonly output: string;
}

export interface RunOptions {
  readonly cwd?: string;
  /** Over the environment of the suite. */
  readonly env?: Readonly<Record<string, string>>;
  readonly limitMs?: number;
}

/** Runs a program to its end; a status other than 0 is left to the caller. */
export function run(file: string, args: readonly string[], options: RunOptions = {}): Run {
  const { status, stdout, stderr, error } = spawnSync(file, args, {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, ...options.env },
    encoding: 'utf8',
    timeout: options.limitMs ?? 240_000,
    killSignal: 'SIGKILL',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { status, output: `${stdout ?? ''}${stderr ?? ''}${error ? `\n${error.message}` : ''}` };
}

/** The same while the caller does other things; `env` goes over the environment of the suite. */
export function runBeside(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Run> {
  return new Promise((resolve) => {
    execFile(file, args, { cwd: ROOT, env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      const status = error ? (typeof error.code === 'number' ? error.code : null) : 0;
      resolve({ status, output: `${stdout}${stderr}${error?.message ?? ''}` });
    });
  });
}

/** The same as `run`, and throws with the output when the program fails. Returns the output. */
export function mustRun(file: string, args: readonly string[], options: RunOptions = {}): string {
  const { status, output } = run(file, args, options);
  if (status !== 0) throw new Error(`${[file, ...args].join(' ')} ended with ${status}:\n${output}`);
  return output;
}

const directories: string[] = [];
const removeAll = () => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
};
process.once('exit', removeAll);
// What is under way fails by the signal, and cleans up behind itself; then it is the turn of these.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    removeAll();
    process.kill(process.pid, signal);
  });
}

/** A directory of the suite's own, gone when its process ends, even by a signal. */
export function workDirectory(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `ocf-kamailio-${name}-`));
  directories.push(directory);
  return directory;
}

export function hasTool(name: string): boolean {
  return ['/usr/bin', '/usr/sbin', '/bin', '/sbin'].some((directory) => {
    try {
      accessSync(`${directory}/${name}`, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** What a test cannot do without: programs by name, or a condition with the words for its absence. */
export type Need = string | readonly [boolean, string];

/** `test`, or, where something is missing, a skipped test whose printed name says what. */
export function testWith(needs: readonly Need[], name: string, body: () => Promise<void> | void): void {
  const missing = needs.flatMap((need) => {
    if (typeof need === 'string') return hasTool(need) ? [] : [`${need} is not installed`];
    return need[0] ? [] : [need[1]];
  });
  if (missing.length > 0) {
    console.log(`skipped: ${name}: ${missing.join(', ')}`);
    test.skip(name);
  } else {
    test(name, async () => {
      // These suites wait in synchronous calls: without a turn of the event loop an interrupt would never be heard.
      await nextTurn();
      await body();
    });
  }
}

export const AS_ROOT: Need = [process.getuid?.() === 0, 'only root can do this'];
