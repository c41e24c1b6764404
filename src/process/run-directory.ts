import { hashOf } from '../text/hash.ts';

/**
 * Where the agent writes down what must outlive a call: which account an instance runs as, which process watches it.
 * Root's alone, so no other account can forge anything in it; empty after a boot.
 */
export const RUN_DIRECTORY = '/run/ocf-kamailio';

/** What is written down about an instance, each in a file of its own. */
export type RunFile = 'account' | 'watcher' | 'polls';

/** So much of the pidfile's path is in the name of a file, for a person. */
const READABLE_LENGTH = 100;

/** The path of a file about an instance. Two pidfiles may come to one name: the file holds the whole path of its own. */
export function runFile(pidfile: string, kind: RunFile): string {
  const readable = pidfile.replaceAll(/[^\dA-Za-z]+/g, '_').slice(-READABLE_LENGTH);
  return `${RUN_DIRECTORY}/${readable}-${hashOf(pidfile).toString(16)}.${kind}`;
}
