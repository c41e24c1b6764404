import { statSync } from 'node:fs';
import type { Problem } from '../failure/failure.ts';
import { describeProcess } from '../process/describe.ts';
import { type FileIdentity, hasOpen, holdsDeleted } from '../process/descriptors.ts';
import { findProcesses, type Instance } from '../process/instance.ts';
import { listPids } from '../process/procfs.ts';

/**
 * Makes sure that the FIFO at a path is the one that this instance reads: the same file, not only the same path. Two
 * instances whose kamailio.cfg name one FIFO take it from each other, and the one that started last answers for both.
 * Kamailio's main process has the FIFO open, so a healthy monitor looks at that process alone.
 */
export function checkOwnFifo(path: string, mainPid: number, instance: Instance): readonly Problem[] {
  const file = statSync(path, { throwIfNoEntry: false });
  // Gone: whether Kamailio answers decides.
  if (!file) return [];
  if (hasOpen(mainPid, file) !== false) return [];
  const own = findProcesses(instance).map(({ pid }) => pid);
  if (own.some((pid) => hasOpen(pid, file) !== false)) return [];
  const reader = readerOf(file, own);
  // Nobody at all: whoever asks over it finds that out by itself.
  if (reader === undefined) return [];
  const by = describeProcess(reader);
  const replaced = own.some((pid) => holdsDeleted(pid, path));
  return [
    {
      seen: replaced
        ? `this Kamailio's own FIFO ${path} was replaced, and ${by} reads the new one`
        : `the FIFO ${path} is read by ${by}, not by this Kamailio`,
      remedy: replaced
        ? 'give each instance a fifo_name of its own in its kamailio.cfg, name it as RPCFIFOPATH in its kamctlrc, and restart this resource'
        : 'name the fifo_name of this Kamailio (jsonrpcs in its kamailio.cfg) as RPCFIFOPATH in its kamctlrc, or set kamctlrc to nothing',
    },
  ];
}

function readerOf(file: FileIdentity, own: readonly number[]): number | undefined {
  return listPids().find((pid) => !own.includes(pid) && hasOpen(pid, file) === true);
}
