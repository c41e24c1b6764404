import { spawn } from 'node:child_process';
import { cleanUpAtExit } from '../../src/lifetime/at-exit.ts';

/**
 * Runs `count` processes that have nothing to do with Kamailio, while `body` runs; then all of them are ended. They
 * are children of one Perl, each with a command line as long as that of a Kamailio.
 */
export async function withCrowd<T>(count: number, body: () => Promise<T>): Promise<T> {
  const script = `
    $SIG{CHLD} = 'IGNORE';
    for (1..${count}) { my $pid = fork; die "fork: $!" unless defined $pid; if (!$pid) { sleep 3600; exit } }
    $| = 1; print "up\\n"; sleep 3600;`;
  const words = [
    '-x',
    '/opt/unrelated/etc/unrelated.cfg',
    '-l',
    'udp:192.0.2.10:5060',
    '-P',
    '/run/unrelated.pid',
  ];
  const child = spawn('perl', ['-e', script, '--', ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const end = cleanUpAtExit(() => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  });
  const gone = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  try {
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve());
      child.on('error', reject);
      child.on('exit', (code) => reject(new Error(`the crowd did not come up (exit code ${code})`)));
    });
    return await body();
  } finally {
    end();
    await gone;
  }
}
