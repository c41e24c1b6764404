import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { listPids, readArgv, readStat } from '../../../src/process/procfs.ts';
import { until } from '../../support/instance.ts';
import { type Init, isAlive } from './enter.ts';

/** Namespaces that a testbed has for itself, and each node within it again. `--kill-child`: none outlives unshare(1). */
export const UNSHARE = [
  'unshare',
  '--fork',
  '--kill-child',
  ...['--pid', '--mount', '--net', '--ipc', '--uts'],
] as const;

/** What marks the first process of a testbed in the process table; the testbed's label follows. */
const MARK = 'ocf-kamailio-bed';

/** How long the kernel may take to end all processes of a testbed. ms */
const END_MS = 60_000;

/** tied: the testbed ends with this process, however it ends. free: it lives until `end` is called. */
export type Life = 'tied' | 'free';

/** Starts the first process of a testbed, with its bridge at `address`. Throws with what it said when it does not come up. */
export async function startInit(label: string, life: Life, address: string): Promise<Init> {
  const text = script('testbed.sh');
  const [file, ...args] = [...UNSHARE, 'sh', '-c', text, MARK, label, life, address];
  const child = spawn(file, args, {
    detached: true,
    stdio: [life === 'tied' ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (data: string) => {
    stdout += data;
  });
  child.stderr?.setEncoding('utf8').on('data', (data: string) => {
    stderr += data;
  });
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`the testbed ended with ${code}: ${stderr}`)));
    child.stdout?.on('data', () => stdout.includes('\n') && resolve());
  });
  // A suite that is through may end without closing the testbed: the pipe to it ends then, too.
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) unref(stream);
  return initOf(Number(stdout));
}

/** The first process of a living testbed of that label, whoever has started it. */
export function findInit(label: string): Init | undefined {
  const pid = listPids().find((candidate) => {
    const [program, , , mark, name] = readArgv(candidate) ?? [];
    return program === 'sh' && mark === MARK && name === label;
  });
  return pid === undefined ? undefined : initOf(pid);
}

/** Ends the process and with it all that lives in its namespaces; returns when nothing of it is left. */
export async function end(init: Init): Promise<void> {
  if (isAlive(init)) process.kill(init.pid, 'SIGKILL');
  // The kernel lets the first process of a pid namespace go when all others in it are gone.
  await until(() => readStat(init.pid)?.startTime !== init.startTime, `process ${init.pid} is gone`, END_MS);
}

/** The text of a shell script of this directory: inside, its file may be hidden. */
export function script(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8');
}

function initOf(pid: number): Init {
  const stat = readStat(pid);
  if (!stat) throw new Error(`process ${pid}, the first of the testbed, is gone already`);
  return { pid, startTime: stat.startTime };
}

function unref(stream: unknown): void {
  if (stream && typeof stream === 'object' && 'unref' in stream && typeof stream.unref === 'function')
    stream.unref();
}
