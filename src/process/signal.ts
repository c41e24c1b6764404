import { Failure } from '../failure/failure.ts';
import { errorCode } from '../failure/system-error.ts';
import { type Instance, identify } from './instance.ts';
import { isSameProcess, type ProcessStat } from './procfs.ts';

/**
 * Signals a process of the instance. Right before, it is made sure that the pid still belongs to that
 * process and still is the instance's: pids come round again, and on a busy node they do so in seconds.
 * Throws Failure when the signal is refused, which is another account's process.
 */
export function signal(
  target: ProcessStat,
  name: 'SIGTERM' | 'SIGCONT' | 'SIGABRT' | 'SIGKILL',
  instance: Instance,
): void {
  if (!isSameProcess(identify(target.pid, instance), target)) return;
  try {
    process.kill(target.pid, name);
  } catch (error) {
    if (errorCode(error) === 'EPERM') {
      throw new Failure({
        seen: `no permission to signal Kamailio's process ${target.pid} (pidfile ${instance.pidfile})`,
        remedy: "call the agent as root or as Kamailio's account",
      });
    }
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}
