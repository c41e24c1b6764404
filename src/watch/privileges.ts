import { spawnSync } from 'node:child_process';
import { findSetpriv } from '../process/run-as.ts';

/**
 * Of all that root may do, a watcher needs this: to look at what a process of Kamailio's account runs and has open
 * (/proc/PID/exe, /proc/PID/fd: ptrace(2), access mode checking), and to read and append to files of other accounts (the
 * cluster's log, a client's key). The cluster's tools know it by its user id, which stays root's.
 */
const KEPT = '+sys_ptrace,+dac_override';
const LIMIT = ['--no-new-privs', `--bounding-set=-all,${KEPT}`, '--inh-caps=-all', '--'];
/** For a trial, ms. */
const TRIAL_LIMIT_MS = 1000;

/**
 * The words before a watcher's command that take all other privileges from it, for good: setpriv(1) limits the
 * capabilities of the program that it becomes and of all that this starts. None if the agent is not root or this node
 * cannot do so (no setpriv, a container without CAP_SETPCAP): a watcher with all privileges is better than none.
 */
export function withFewPrivileges(): readonly string[] {
  const setpriv = process.geteuid?.() === 0 ? findSetpriv() : undefined;
  if (setpriv === undefined) return [];
  const trial = spawnSync(setpriv, [...LIMIT, '/bin/true'], { stdio: 'ignore', timeout: TRIAL_LIMIT_MS });
  return trial.status === 0 ? [setpriv, ...LIMIT] : [];
}
