import { closeSync, openSync, readSync } from 'node:fs';

/** What of an ELF header tells for which processors it is: class, byte order, machine (elf(5)). */
interface Header {
  readonly magic: string;
  readonly kind: string;
}

const HEADER_BYTES = 20;

/**
 * Whether the kernel can execute a file: a script with `#!`, or an ELF file for the processors that this
 * node's own shell is for. What it refuses, the C library hands to /bin/sh as a script (execvp(3)), and no
 * shell is to read what stands in a damaged file. Throws the system's error when it cannot be read.
 */
export function isExecutableFormat(path: string): boolean {
  const header = readHeader(path);
  if (header.magic.startsWith('#!')) return true;
  return header.magic === '\x7fELF' && header.kind === readHeader('/bin/sh').kind;
}

function readHeader(path: string): Header {
  const fd = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(HEADER_BYTES);
    readSync(fd, buffer);
    return {
      magic: buffer.toString('latin1', 0, 4),
      kind: buffer.toString('hex', 4, 6) + buffer.toString('hex', 18, 20),
    };
  } finally {
    closeSync(fd);
  }
}
