import { runProgram } from '../system/run-program.ts';
import type { ListeningSocket } from './sockets.ts';

/**
 * What the kernel says of a listening socket to ss(8), and not in /proc: one line of words such as `rb212992` and
 * `v6only:0`. Empty without that program, or if the socket is gone.
 */
export function socketDetails({ transport, inode }: ListeningSocket): string {
  const words = ['-H', transport === 'udp' ? '-u' : '-t', '-l', '-n', '-m', '-e'];
  const lines = askKernel(words)
    .replace(/\n[ \t]+/g, ' ')
    .split('\n');
  return lines.find((text) => new RegExp(`\\bino:${inode}\\b`).test(text)) ?? '';
}

/** Without descriptors to spare the question is left out: a healthy Kamailio must not fail for it. */
function askKernel(words: readonly string[]): string {
  try {
    return runProgram('/usr/bin/ss', words, { limitMs: 2000 }).stdout;
  } catch {
    return '';
  }
}
