import { lstatSync, readFileSync } from 'node:fs';
import { isExhaustion } from '../failure/system-error.ts';
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

/** Where the note of an instance is. Two long paths may come to the same name: the note holds the whole path. */
export function noteOf(pidfile: string): string {
  return `${RUN_DIRECTORY}/${encodeURIComponent(pidfile).slice(-NAME_LENGTH)}`;
}
