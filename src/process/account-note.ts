import { runFile } from './run-directory.ts';
import { removeRunFiles, writeRunFile } from './write-run-file.ts';

/**
 * Leaves a note of the account that a start saw this instance's main process run as, for the monitors and stops until the
 * next boot. Throws Failure, or the system's error.
 */
export function rememberUid(pidfile: string, uid: number): void {
  writeRunFile(runFile(pidfile, 'account'), `${uid}\n${pidfile}\n`, 0o644);
}

/** Removes the note, if there is one. Never throws. */
export function forgetUid(pidfile: string): void {
  removeRunFiles(runFile(pidfile, 'account'));
}
