import { closeSync, openSync, readSync } from 'node:fs';

/**
 * `bytes` bytes from the kernel's generator (urandom(4)) as hexadecimal digits: names and tags that nobody
 * can guess. Loading node:crypto for them would cost each monitor a third of its time.
 */
export function randomHex(bytes: number): string {
  const fd = openSync('/dev/urandom', 'r');
  try {
    const buffer = Buffer.alloc(bytes);
    if (readSync(fd, buffer) !== bytes) throw new Error('/dev/urandom gave too little');
    return buffer.toString('hex');
  } finally {
    closeSync(fd);
  }
}
