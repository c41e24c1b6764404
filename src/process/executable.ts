import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { runs32Bit } from './compat.ts';

/** What the kernel looks at in the header of an ELF file before it executes it (elf(5)). */
interface Header {
  readonly isScript: boolean;
  /** Class, byte order and machine, such as `64 LE 62`; undefined if it is no ELF program, or a damaged one. */
  readonly kind: string | undefined;
}

/** The longest header, that of class 64. */
const HEADER_BYTES = 64;
/** e_type: ET_EXEC, and ET_DYN (a position independent program). */
const PROGRAM_TYPES = [2, 3];

/** Kinds of programs of 32 bits that a kernel of 64 bits may run beside its own, by the kind of its own. */
const COMPANIONS: Readonly<Record<string, string>> = {
  // i386 on x86-64, ARM on AArch64: EM_386 (3), EM_X86_64 (62), EM_ARM (40), EM_AARCH64 (183).
  '64 LE 62': '32 LE 3',
  '64 LE 183': '32 LE 40',
};

/**
 * Whether the kernel can execute a file: a script with `#!`, or an ELF program for the processors that this node's own
 * shell or this Node.js is for, or for 32 bits where the kernel runs such programs. What it refuses, the C library
 * hands to /bin/sh as a script (execvp(3)), and no shell is to read what a damaged or foreign file holds.
 * Throws the system's error when it cannot be read.
 */
export function isExecutableFormat(path: string): boolean {
  const { isScript, kind } = readHeader(path);
  if (isScript || kind === undefined) return isScript;
  const own = ['/bin/sh', '/proc/self/exe'].map((program) => readHeader(program).kind ?? '');
  return own.includes(kind) || own.some((other) => COMPANIONS[other] === kind && runs32Bit(other));
}

function readHeader(path: string): Header {
  const fd = openSync(path, 'r');
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    readSync(fd, header);
    return {
      isScript: header.toString('latin1', 0, 2) === '#!',
      kind: kindOf(header, fstatSync(fd).size),
    };
  } finally {
    closeSync(fd);
  }
}

/** The kind of a program whose program headers, of the size for its class, are all in the file. */
function kindOf(header: Buffer, fileBytes: number): string | undefined {
  if (header.toString('latin1', 0, 4) !== '\x7fELF') return undefined;
  const is64 = header[4] === 2;
  const isBigEndian = header[5] === 2;
  if ((!is64 && header[4] !== 1) || (!isBigEndian && header[5] !== 1)) return undefined;
  const half = (at: number) => (isBigEndian ? header.readUInt16BE(at) : header.readUInt16LE(at));
  const word = (at: number) => (isBigEndian ? header.readUInt32BE(at) : header.readUInt32LE(at));
  const wide = (at: number) => Number(isBigEndian ? header.readBigUInt64BE(at) : header.readBigUInt64LE(at));
  const [offset, entryBytes, entries, expected] = is64
    ? [wide(32), half(54), half(56), 56]
    : [word(28), half(42), half(44), 32];
  if (!PROGRAM_TYPES.includes(half(16)) || entryBytes !== expected || entries === 0) return undefined;
  if (offset + entryBytes * entries > fileBytes) return undefined;
  return `${is64 ? 64 : 32} ${isBigEndian ? 'BE' : 'LE'} ${half(18)}`;
}
