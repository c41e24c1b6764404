import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A process that holds an instance's lock, as a start or stop does. */
export interface LockHolder {
  readonly pid: number;
  /** Ends it by SIGKILL, as the executor does, and waits until it is gone. */
  kill(): Promise<void>;
}

/** Tries again while an agent of another test has a lock on the same port. */
const HOLD = `const hold = () => {
    const socket = require('node:dgram').createSocket('udp4');
    socket.on('error', (error) => {
      if (error.code !== 'EADDRINUSE') throw error;
      setTimeout(hold, 20);
    });
    socket.bind({ address: process.argv[1], port: Number(process.argv[2]), exclusive: true }, () => console.log('held'));
  };
  hold();`;

/** Binds the address of a lock until `body` is through; `wrapper` are words in front of the program, such as setpriv's. */
export async function withLockHolder(
  { address, port }: { readonly address: string; readonly port: number },
  wrapper: readonly string[],
  body: (holder: LockHolder) => Promise<void>,
): Promise<void> {
  const [file = '', ...args] = [...wrapper, process.execPath, '-e', HOLD, address, String(port)];
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = once(child, 'exit');
  const kill = async () => {
    child.kill('SIGKILL');
    await gone;
  };
  try {
    const first = await Promise.race([once(child.stdout, 'data'), gone.then(() => ['it ended'])]);
    if (!String(first[0]).startsWith('held') || child.pid === undefined)
      throw new Error(`the lock is not held: ${first}`);
    await body({ pid: child.pid, kill });
  } finally {
    await kill();
  }
}
