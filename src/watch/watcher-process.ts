import { spawn } from 'node:child_process';
import { closeSync, readdirSync, readFileSync } from 'node:fs';
import { pause } from '../lifetime/clock.ts';
import type { Invocation } from '../ocf/invocation.ts';
import { refresh } from '../process/instance.ts';
import { type ProcessMark, readArgv, readStat } from '../process/procfs.ts';
import { ownProgram } from '../system/own-file.ts';
import { withFewPrivileges } from './privileges.ts';

/**
 * What a watcher's command line begins with once it is at work. It matches nothing that finds a Kamailio: no
 * `pgrep -x kamailio`, no `-P` with a pidfile as this agent, no command line of Kamailio as the shell agent.
 */
const NAME = 'ocf-watcher';
/** How long a watcher may take to end by itself, ms; it has a running crm_resource to end first. */
const PATIENCE_MS = 500;
const LOOK_EVERY_MS = 2;

/**
 * Starts the watcher of an instance: this very file in its internal action `watch`, in a session of its own, with few
 * privileges, and without descriptors of the executor's, which would wait for them to be closed. Returns the process,
 * undefined if the node has none to spare.
 */
export function startWatcher({ env, instance, flags }: Invocation): ProcessMark | undefined {
  const own = [...ownProgram(), 'watch', instance, ...flags];
  const [program = '', ...words] = [...withFewPrivileges(), ...own];
  const child = spawn(program, words, {
    // setpriv(1) takes no name for what it becomes; until the watcher names itself it is known by its words.
    ...(program === process.execPath && { argv0: NAME }),
    cwd: '/',
    detached: true,
    stdio: 'ignore',
    env,
  });
  child.on('error', () => {}).unref();
  const stat = child.pid === undefined ? undefined : readStat(child.pid);
  return stat && { pid: stat.pid, startTime: stat.startTime };
}

/** The title of a watcher in `ps`: it names the instance. */
export function setTitle(instance: string): void {
  process.title = `${NAME}: ${instance}`;
}

/** O_CLOEXEC of open(2), as /proc/PID/fdinfo writes it. */
const CLOSE_ON_EXEC = 0o2000000;

/**
 * Closes what this process has inherited besides stdin, stdout and stderr. Node.js marks its own descriptors
 * close-on-exec, so one that is not marked came from whoever called the agent. A watcher lives for months: an executor
 * that waits for its pipe to be closed would wait as long.
 */
export function closeInherited(): void {
  for (const fd of readdirSync('/proc/self/fdinfo')
    .map(Number)
    .filter((one) => one > 2)) {
    try {
      const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '';
      if ((Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0) closeSync(fd);
    } catch {
      // The descriptor of the listing itself, closed by now.
    }
  }
}

/** Whether this watcher lives. The start time decides: its pid may be another's by now. */
export function isLiving(watcher: ProcessMark): boolean {
  return refresh(watcher) !== undefined;
}

/** Ends a watcher and waits until it is gone, also one that is stopped; a process that is not a watcher is left alone. */
export async function endWatcherProcess(watcher: ProcessMark): Promise<void> {
  let isTold = false;
  for (let waited = 0; isLiving(watcher); waited += LOOK_EVERY_MS) {
    // One that is just being started cannot be told from another program yet.
    if (!isTold) isTold = send(watcher, 'SIGTERM') && send(watcher, 'SIGCONT');
    if (waited >= PATIENCE_MS) send(watcher, 'SIGKILL');
    // A watcher that outlives SIGKILL hangs in the kernel, and reports nothing.
    if (waited >= 2 * PATIENCE_MS) return;
    await pause(LOOK_EVERY_MS);
  }
}

/** Whether it was sent. */
function send(watcher: ProcessMark, signal: 'SIGTERM' | 'SIGCONT' | 'SIGKILL'): boolean {
  if (!isLiving(watcher) || !isWatcher(readArgv(watcher.pid) ?? [])) return false;
  try {
    process.kill(watcher.pid, signal);
    return true;
  } catch {
    // Gone between the look and the signal.
    return false;
  }
}

/** Whether a command line is a watcher's: by its title, or before it has one by the words that it was started with. */
function isWatcher(argv: readonly string[]): boolean {
  const own = ownProgram();
  return (
    argv[0]?.startsWith(NAME) === true || (argv.includes('watch') && own.every((word) => argv.includes(word)))
  );
}
