import { renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { quietly } from '../failure/quietly.ts';
import { errorCode } from '../failure/system-error.ts';
import { ensureDirectory, removeIfEmpty } from './directory.ts';
import { RUN_DIRECTORY } from './run-directory.ts';

/** So often the directory is made, if another instance's stop removes it at that very moment. */
const ATTEMPTS = 3;

/** Makes RUN_DIRECTORY if it is missing. Throws Failure if it could be somebody else's, or is a link. */
export function makeRunDirectory(): void {
  ensureDirectory(RUN_DIRECTORY, undefined, 'checked');
}

/**
 * Writes a file in RUN_DIRECTORY, which is made if it is missing. Whoever reads at this moment sees the old text or the
 * new one, never a part; of two that are written at once one is whole, and counts. `mode` says who else may read it.
 * Throws Failure if the directory could be somebody else's, or is a link, and the system's error.
 */
export function writeRunFile(path: string, text: string, mode: 0o600 | 0o644): void {
  const unfinished = `${path}.${process.pid}`;
  for (let attempt = 1; ; attempt += 1) {
    try {
      makeRunDirectory();
      writeFileSync(unfinished, text, { mode, flag: 'wx' });
      renameSync(unfinished, path);
      return;
    } catch (error) {
      if (errorCode(error) === 'ENOENT' && attempt < ATTEMPTS) continue;
      quietly(() => unlinkSync(unfinished));
      throw error;
    }
  }
}

/**
 * Removes files in RUN_DIRECTORY, and the directory with the last one. Never throws: what is not this account's to remove
 * stays until the next start writes its own, or a boot empties the directory.
 */
export function removeRunFiles(...paths: readonly string[]): void {
  for (const path of paths) quietly(() => unlinkSync(path));
  removeIfEmpty(RUN_DIRECTORY);
}
