import { spawnSync } from 'node:child_process';
import type { ListeningSocket } from './sockets.ts';

/**
 * What the kernel says of a listening socket to ss(8), and not in /proc: one line of words such as `rb212992` and
 * `v6only:0`. Empty without that program, or if the socket is gone.
 */
export function socketDetails({ transport, inode }: ListeningSocket): string {
  const words = ['-H', transport === 'udp' ? '-u' : '-t', '-l', '-n', '-m', '-e'];
  const answer = spawnSync('/usr/bin/ss', words, { encoding: 'utf8', timeout: 2000 });
  const lines = (answer.stdout ?? '').replace(/\n[ \t]+/g, ' ').split('\n');
  return lines.find((text) => new RegExp(`\\bino:${inode}\\b`).test(text)) ?? '';
}
