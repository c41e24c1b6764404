import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readArgv, readStat } from '../../src/process/procfs.ts';
import { until } from '../support/instance.ts';

/** A directory of a test's own, gone after `use`, with every process that was started through it. */
export interface Scene {
  readonly directory: string;
  /**
   * Starts a program at this path below the directory (a copy of the shell) that waits for its stdin to
   * end, with these arguments behind its own; returns when it waits.
   */
  run(path: string, args: readonly string[]): Promise<RunningProgram>;
}

export interface RunningProgram {
  readonly pid: number;
  readonly path: string;
  readonly ended: Promise<void>;
  end(): void;
}

/** Makes a scene, hands it over, and cleans up in any case. */
export async function withScene(use: (scene: Scene) => Promise<void>): Promise<void> {
  const directory = mkdtempSync('/tmp/ocf-kamailio-proc-');
  chmodSync(directory, 0o755);
  const children: ChildProcess[] = [];
  try {
    await use({
      directory,
      run: async (name, args) => {
        const path = join(directory, name);
        mkdirSync(dirname(path), { recursive: true });
        if (!existsSync(path)) copyFileSync('/bin/sh', path);
        chmodSync(path, 0o755);
        const child = spawn(path, ['-c', 'echo up; read x', ...args], { stdio: ['pipe', 'pipe', 'ignore'] });
        children.push(child);
        const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
        let up = false;
        child.stdout.once('data', () => {
          up = true;
        });
        child.stdin.on('error', () => {});
        const pid = child.pid ?? 0;
        await until(() => up && readStat(pid)?.state === 'S' && readArgv(pid) !== undefined, `${path} runs`);
        return { pid, path, ended, end: () => child.stdin.end() };
      },
    });
  } finally {
    for (const child of children) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Makes a zombie, a child that its parent has not waited for, and hands over its pid. */
export async function withZombie(use: (pid: number) => void): Promise<void> {
  // The child ends only after its parent has become a program that waits for nobody: the shell might.
  const parent = spawn('/bin/sh', ['-c', 'read x <&3 & echo $!; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
  });
  try {
    const pid = await new Promise<number>((resolve) =>
      parent.stdout?.once('data', (text) => resolve(Number(text))),
    );
    await until(() => readArgv(parent.pid ?? 0)?.[0] === 'sleep', 'the shell has become sleep');
    parent.stdio[3]?.destroy();
    await until(() => readStat(pid)?.state === 'Z', 'its child is a zombie');
    use(pid);
  } finally {
    parent.kill('SIGKILL');
  }
}

/** Ends its first thread at SIGTERM; the last one ends a moment after that, and holds a UDP socket until then. */
const THREADS = `
import ctypes, os, signal, socket, threading, time
held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
held.bind(('127.0.0.1', 0))
def outlive():
    while ') Z ' not in open(f'/proc/{os.getpid()}/stat').read(): time.sleep(0.01)
    time.sleep(0.5)
    os._exit(0)
signal.signal(signal.SIGTERM, lambda *_: ctypes.CDLL(None).pthread_exit(None))
threading.Thread(target=outlive).start()
print(held.getsockname()[1], flush=True)
while True: signal.pause()
`;

/** Runs a program called kamailio, with threads and with this pidfile, and hands over its path and its UDP port. */
export function withThreads(
  use: (program: { path: string; pidfile: string; port: number }) => Promise<void>,
) {
  return withScene(async ({ directory }) => {
    const [path, pidfile] = [join(directory, 'kamailio'), join(directory, 'kamailio.pid')];
    copyFileSync('/usr/bin/python3', path);
    const program = spawn(path, ['-c', THREADS, '-P', pidfile], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const port = await new Promise<number>((resolve) =>
        program.stdout.once('data', (text) => resolve(Number(text))),
      );
      await use({ path, pidfile, port });
    } finally {
      program.kill('SIGKILL');
    }
  });
}
