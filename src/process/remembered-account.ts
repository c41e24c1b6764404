import { readRunFile } from './read-run-file.ts';
import { runFile } from './run-directory.ts';

/**
 * The account that an earlier start saw this instance's main process run as; undefined if it left no note. Only root's
 * note counts: whoever is named in it may run the instance.
 */
export function rememberedUid(pidfile: string): number | undefined {
  const [uid = '', path] = readRunFile(runFile(pidfile, 'account'))?.split('\n') ?? [];
  return path === pidfile && /^\d+$/.test(uid) ? Number(uid) : undefined;
}
