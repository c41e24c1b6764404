import { spawnSync } from 'node:child_process';
import { isExhaustion } from '../failure/system-error.ts';

/** How a program that was waited for has ended. */
export interface Ended {
  /** Its exit code; null if a signal ended it, the time limit's SIGKILL too, or it could not be started. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Why it could not be started or did not end in time: an error of the system (ENOENT, ETIMEDOUT). */
  readonly error: Error | undefined;
}

export interface RunOptions {
  /** After so many ms it is killed. */
  readonly limitMs: number;
  /** The agent's own unless said otherwise. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** What it reads on stdin; nothing unless said. */
  readonly input?: string;
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * Runs a program from an argument vector to its end; no shell is involved. The one way in which the agent waits for a
 * program; `startProgram` is for one that runs beside other work. Throws the system's error if the kernel has nothing
 * left to run it with: what the program would have said is not known then.
 */
export function runProgram(
  program: string,
  args: readonly string[],
  { limitMs, ...options }: RunOptions,
): Ended {
  const { status, signal, stdout, stderr, error } = spawnSync(program, args, {
    ...options,
    encoding: 'utf8',
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    timeout: Math.max(1, Math.ceil(limitMs)),
    killSignal: 'SIGKILL',
  });
  if (isExhaustion(error)) throw error;
  return { status, signal, stdout: stdout ?? '', stderr: stderr ?? '', error };
}
