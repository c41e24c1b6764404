import { renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { errorCode } from '../failure/system-error.ts';
import { ensureDirectory, removeIfEmpty } from './directory.ts';
import { noteOf } from './remembered-account.ts';
import { RUN_DIRECTORY } from './run-directory.ts';

/**
 * Leaves a note of the account that a start saw this instance's main process run as, for the monitors and stops until the
 * next boot. Throws Failure, or the system's error.
 */
export function rememberUid(pidfile: string, uid: number): void {
  for (let attempt = 1; ; attempt += 1) {
    try {
      ensureDirectory(RUN_DIRECTORY, undefined, 'checked');
      const note = noteOf(pidfile);
      // A monitor that runs at this moment sees the old note or the new one, never a part.
      writeFileSync(`${note}.new`, `${uid}\n${pidfile}\n`, { mode: 0o644 });
      renameSync(`${note}.new`, note);
      return;
    } catch (error) {
      // The stop of another instance has just removed the empty directory.
      if (errorCode(error) !== 'ENOENT' || attempt === 3) throw error;
    }
  }
}

/** Removes the note, if there is one, and the directory with the last one. */
export function forgetUid(pidfile: string): void {
  try {
    unlinkSync(noteOf(pidfile));
    removeIfEmpty(RUN_DIRECTORY);
  } catch {
    // There is none, or it is not this account's to remove: the next start writes its own, a boot removes it.
  }
}
