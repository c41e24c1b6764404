import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AGENT } from './agent.ts';
import type { TestInstance } from './instance.ts';

/** An action of the agent that strace has looked at. */
export interface Trace {
  /** The exit code of the agent. */
  readonly code: number | null;
  /** What strace wrote, of the agent and all that it has started. */
  readonly text: string;
}

/**
 * Calls the agent for an instance under strace; `calls` are the names of the system calls to be seen, with commas
 * between them. `env` goes over the environment, parameters (OCF_RESKEY_<name>) among it.
 */
export async function traceAction(
  instance: TestInstance,
  action: string,
  calls: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Trace> {
  const file = join(instance.directory, 'trace');
  const params = Object.entries(instance.params).map(([name, value]) => [`OCF_RESKEY_${name}`, value]);
  const child = spawn('strace', ['-f', '-s', '200', '-o', file, '-e', `trace=${calls}`, AGENT, action], {
    env: { PATH: process.env.PATH ?? '', ...instance.env, ...Object.fromEntries(params), ...env },
    stdio: 'ignore',
  });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.on('error', reject).on('exit', resolve),
  );
  return { code, text: readFileSync(file, 'utf8') };
}
