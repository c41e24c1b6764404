import { createSocket } from 'node:dgram';
import { identify, refresh } from '../../src/process/instance.ts';
import type { ProcessStat } from '../../src/process/procfs.ts';

const EVERY_MS = 2;

/** Watches for one moment while something else runs. */
export interface Watch {
  /** When it came, on the clock of `performance.now()`; undefined as long as it has not. */
  readonly seenAt: number | undefined;
  close(): void;
}

/** Polls a UDP port with OPTIONS every 2 ms and notes when the first 200 comes. Knows nothing of the agent. */
export function watchForAnswer(port: number): Watch {
  const socket = createSocket('udp4');
  let seenAt: number | undefined;
  let count = 0;
  // A socket that is not connected hears nothing of refusals, which are many until Kamailio listens.
  socket.bind(0, '127.0.0.1');
  socket.on('message', (datagram) => {
    if (datagram.toString('latin1').startsWith('SIP/2.0 200 ')) seenAt ??= performance.now();
  });
  const timer = setInterval(() => {
    if (seenAt !== undefined) return clearInterval(timer);
    count += 1;
    socket.send(composeOptions(port, socket.address().port, `${process.pid}-${count}`), port, '127.0.0.1');
  }, EVERY_MS);
  return {
    get seenAt() {
      return seenAt;
    },
    close: () => {
      clearInterval(timer);
      socket.close();
    },
  };
}

/** Looks at processes every 2 ms and notes when the last of them has ended. */
export function watchForEnd(instance: { binary: string; pidfile: string }, pids: readonly number[]): Watch {
  let left: ProcessStat[] = pids.flatMap((pid) => identify(pid, instance) ?? []);
  let seenAt: number | undefined;
  const look = () => {
    left = left.flatMap((one) => refresh(one) ?? []);
    if (left.length === 0) seenAt ??= performance.now();
  };
  const timer = setInterval(look, EVERY_MS);
  return {
    get seenAt() {
      return seenAt;
    },
    close: () => clearInterval(timer),
  };
}

function composeOptions(port: number, ownPort: number, id: string): string {
  return [
    `OPTIONS sip:monitor@127.0.0.1:${port} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${ownPort};branch=z9hG4bK-bench-${id}`,
    'Max-Forwards: 70',
    `From: <sip:bench@127.0.0.1:${ownPort}>;tag=${id}`,
    `To: <sip:monitor@127.0.0.1:${port}>`,
    `Call-ID: bench-${id}`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}
