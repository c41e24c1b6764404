import { statSync } from 'node:fs';
import type { Problem } from '../failure/failure.ts';
import { describeProcess } from '../process/describe.ts';
import { descriptorTargets, type FileIdentity, hasOpen } from '../process/descriptors.ts';
import { findProcesses, type Instance } from '../process/instance.ts';
import { listPids } from '../process/procfs.ts';
import { runtimeDirectoryOf, withoutLink } from '../process/runtime-directory.ts';

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

/**
 * Whether the FIFO that this instance reads was removed, with or without its directory, and nobody else's is in its place.
 * Kamailio goes on serving SIP, but nobody can ask it anything until it is restarted. The commonest case is systemd, which
 * removes the runtime directory of a kamailio.service that stops or fails to start beside the cluster's Kamailio.
 */
export function removedFifo(path: string, mainPid: number): Problem | undefined {
  if (!holdsDeleted(mainPid, path)) return undefined;
  const taken = runtimeDirectoryOf(path);
  return {
    seen: taken
      ? `the FIFO ${path} that this Kamailio reads was removed, as ${taken.unit}.service of systemd removes ${taken.path} whenever it stops or fails to start`
      : `the FIFO ${path} that this Kamailio reads was removed`,
    remedy: `${taken ? `\`systemctl mask ${taken.unit}\`` : 'find out what removes files there'}, give the FIFO a directory of the cluster's own (fifo_name, RPCFIFOPATH), and restart this resource when it suits`,
  };
}

function holdsDeleted(pid: number, path: string): boolean {
  return descriptorTargets(pid).includes(`${withoutLink(path)} (deleted)`);
}

function readerOf(file: FileIdentity, own: readonly number[]): number | undefined {
  return listPids().find((pid) => !own.includes(pid) && hasOpen(pid, file) === true);
}
