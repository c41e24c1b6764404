import { spawn } from 'node:child_process';

/** A program to measure: what is run, and with which environment. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** One run of a command, on the clock of `performance.now()`. */
export interface Run {
  readonly startedAt: number;
  readonly endedAt: number;
  /** Wall time, ms. */
  readonly milliseconds: number;
}

/** Runs a command to its end and returns how long that took. Throws when it exits with anything but 0. */
export function run({ program, args, env }: Command): Promise<Run> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      const endedAt = performance.now();
      if (code === 0) resolve({ startedAt, endedAt, milliseconds: endedAt - startedAt });
      else reject(new Error(`${[program, ...args].join(' ')} ended with ${signal ?? code}: ${errors}`));
    });
  });
}

/** A command and the wall times of its counted runs, ms. */
export interface Series {
  readonly command: Command;
  readonly times: number[];
}

export function series(command: Command): Series {
  return { command, times: [] };
}

/**
 * Runs the commands in turn (A, B, C, A, B, C, ...), so that what else the machine does meets all of them
 * alike; one round more than counted, the first to warm up. Adds to the times of each.
 */
export async function interleave(all: readonly Series[], rounds: number): Promise<void> {
  for (let round = 0; round <= rounds; round += 1) {
    for (const { command, times } of all) {
      const { milliseconds } = await run(command);
      if (round > 0) times.push(milliseconds);
    }
  }
}

/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  const lower = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}
