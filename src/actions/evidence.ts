import { readFileSync } from 'node:fs';
import type { Answers } from '../checks/answers.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import type { Log } from '../ocf/log.ts';
import type { StopParams } from '../params/for-stop.ts';
import { leaveCores } from '../process/abort.ts';
import type { Instance } from '../process/instance.ts';
import type { ProcessStat } from '../process/procfs.ts';
import { standstill } from '../process/standstill.ts';
import { findWorkers } from '../process/workers.ts';

/**
 * Tells the log where the processes of a Kamailio stand that a monitor found silent: the stop that follows destroys what
 * shows why. One that answers, if only with a refusal, does not hang. Never throws.
 */
export function logHang(answers: Answers, main: ProcessStat, instance: Instance, log: Log): void {
  if (answers.isSilent) logStandstill(() => [main, ...findWorkers(main, instance)], log);
}

function logStandstill(find: () => readonly ProcessStat[], log: Log): void {
  try {
    for (const line of standstill(find())) log.warn(`where it stands: ${line}`);
  } catch {
    // A node without descriptors to spare: what is to be done next matters more.
  }
}

/**
 * Keeps what the next morning needs of processes that are about to be killed: where they stand goes to the log, and with
 * core_on_kill they leave their cores. Never throws: SIGKILL comes next, whatever happens here.
 */
export async function keepEvidence(
  params: StopParams,
  processes: readonly ProcessStat[],
  log: Log,
  deadline: Deadline,
): Promise<void> {
  logStandstill(() => processes, log);
  if (!params.core_on_kill) return;
  log.warn(`SIGABRT to ${processes.length} processes, for their cores (core_pattern is ${corePattern()})`);
  try {
    await leaveCores(processes, params, deadline);
  } catch (error) {
    log.warn(`no cores: ${error instanceof Error ? error.message : error}`);
  }
}

function corePattern(): string {
  try {
    return readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
  } catch {
    return 'not known';
  }
}
