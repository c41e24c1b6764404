import type { Log } from '../ocf/log.ts';
import type { Note } from './note.ts';

/** A log whose lines are noted, too; debug lines are not, for they show Kamailio's whole command line. */
export function tracedLog(log: Log, note: Note): Log {
  const both = (say: (message: string) => void) => (message: string) => {
    note(() => message);
    say(message);
  };
  return { ...log, info: both(log.info), warn: both(log.warn), done: both(log.done) };
}
