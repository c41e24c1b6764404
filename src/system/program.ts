import { type ChildProcess, spawn } from 'node:child_process';
import { cleanUpAtExit } from '../lifetime/at-exit.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { oneLine } from '../text/one-line.ts';

/** How a foreign program ended. */
export interface ProgramEnd {
  /** Its exit code; undefined when it was ended at the deadline, by a signal, or could not be started. */
  readonly code: number | undefined;
  readonly stdout: string;
  /** stdout and stderr, or why it has none, as one line for a reason. */
  readonly said: string;
}

const KEEP_CHARACTERS = 65_536;

/** A program that runs. */
export interface Program {
  /** Its pid, which it may name its files after; undefined when it could not be started. */
  readonly pid: number | undefined;
  readonly end: Promise<ProgramEnd>;
}

/**
 * Starts a program from an argument vector, with the environment given, until `deadline`: then it and the
 * children that it started are killed, which its process group makes possible; so they are when the agent
 * has its verdict before.
 */
export function startProgram(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  deadline: Deadline,
): Program {
  // Without descriptors to spare there are not even pipes.
  const child: ChildProcess = spawn(program, args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const end = new Promise<ProgramEnd>((resolve) => {
    let stdout = '';
    let stderr = '';
    let late = false;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout = (stdout + text).slice(-KEEP_CHARACTERS);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-KEEP_CHARACTERS);
    });
    let running = true;
    const kill = cleanUpAtExit(() => running && child.pid !== undefined && killGroup(child.pid));
    const expiry = setTimeout(() => {
      late = true;
      kill();
    }, deadline.remaining);
    const finish = (code: number | null, problem: string) => {
      clearTimeout(expiry);
      running = false;
      kill();
      const words = oneLine([problem, stderr, stdout].filter((text) => text.trim() !== '').join('\n'), 300);
      resolve({ code: code ?? undefined, stdout, said: words || 'it said nothing' });
    };
    child.on('error', (error) => finish(null, error.message));
    child.on('close', (code, signal) => {
      finish(code, late ? 'it did not end in time' : signal ? `it was ended by ${signal}` : '');
    });
  });
  return { pid: child.pid, end };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}
