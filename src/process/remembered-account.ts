import { lstatSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { errorCode, isExhaustion } from '../failure/system-error.ts';
import { ensureDirectory, removeIfEmpty } from './directory.ts';
import { RUN_DIRECTORY } from './run-directory.ts';

/** The most of a pidfile's path that goes into a name; names of files have at most 255 bytes. */
const NAME_LENGTH = 200;

/**
 * The account that an earlier start saw this instance's main process run as; undefined if it left no note. A note
 * that anybody but root may have written counts for nothing: whoever is named in it may run the instance.
 */
export function rememberedUid(pidfile: string): number | undefined {
  try {
    const directory = lstatSync(RUN_DIRECTORY);
    if (!directory.isDirectory() || directory.uid !== 0 || (directory.mode & 0o022) !== 0) return undefined;
    const [uid = '', name] = readFileSync(noteOf(pidfile), 'utf8').split('\n');
    return name === pidfile && /^\d+$/.test(uid) ? Number(uid) : undefined;
  } catch (error) {
    if (isExhaustion(error)) throw error;
    return undefined;
  }
}

/** Leaves that note, for the monitors and stops until the next boot. Throws Failure, or the system's error. */
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

/** Two long paths may come to the same name: the note holds the whole path. */
function noteOf(pidfile: string): string {
  return `${RUN_DIRECTORY}/${encodeURIComponent(pidfile).slice(-NAME_LENGTH)}`;
}
