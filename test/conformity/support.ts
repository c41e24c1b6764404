import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Test, test } from 'uvu';
import { AGENT } from '../support/agent.ts';

export interface Run {
  readonly code: number | null;
  readonly output: string;
}

/**
 * Runs a program with the project's own `node` first on PATH, for the first line of the agent that it
 * calls. Ended after a minute.
 */
export function run(program: string, args: readonly string[], input = ''): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: {
        ...process.env,
        PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}`,
        OCF_ROOT: '/usr/lib/ocf',
      },
      timeout: 60_000,
      killSignal: 'SIGKILL',
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** `test`, or `test.skip` where a program or file is missing; the test's name says what it needs. */
export function testWith(...paths: readonly string[]): Test | Test['skip'] {
  return paths.every((path) => existsSync(path)) ? test : test.skip;
}

/** Installs the agent under a provider of this process's own beside the distribution's, and removes it in any case. */
export async function withProvider(use: (provider: string) => Promise<void>): Promise<void> {
  const provider = `ocfk_test_${process.pid}`;
  const directory = `/usr/lib/ocf/resource.d/${provider}`;
  // A test that is interrupted leaves nothing behind either.
  const remove = () => rmSync(directory, { recursive: true, force: true });
  const interrupted = () => {
    remove();
    process.exit(1);
  };
  process.once('SIGTERM', interrupted);
  process.once('SIGINT', interrupted);
  try {
    mkdirSync(directory);
    copyFileSync(AGENT, `${directory}/kamailio`);
    chmodSync(`${directory}/kamailio`, 0o755);
    await use(provider);
  } finally {
    process.off('SIGTERM', interrupted);
    process.off('SIGINT', interrupted);
    remove();
  }
}
