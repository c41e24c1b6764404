import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isExecutableFormat } from '../../src/process/executable.ts';
import { assertCall, call, withInstance } from '../support/calls.ts';
import { withScene } from './support.ts';

/** A whole program of 32 bits for `machine` (elf(5), e_machine) that consists of `code`, loaded at 0x8048000. */
function program32(machine: number, code: readonly number[]): Buffer {
  const base = 0x8048000;
  const bytes = Buffer.alloc(84 + code.length);
  bytes.write('\x7fELF\x01\x01\x01', 'latin1');
  const halves = { 16: 2, 18: machine, 40: 52, 42: 32, 44: 1 };
  for (const [at, value] of Object.entries(halves)) bytes.writeUInt16LE(value, Number(at));
  const words = { 20: 1, 24: base + 84, 28: 52, 52: 1, 60: base, 64: base, 80: 0x1000, 76: 5 };
  for (const [at, value] of Object.entries(words)) bytes.writeUInt32LE(value, Number(at));
  for (const at of [68, 72]) bytes.writeUInt32LE(bytes.length, at);
  Buffer.from(code).copy(bytes, 84);
  return bytes;
}

/** mov eax, 1 (exit); xor ebx, ebx; int 0x80 */
const EXIT_0 = [0xb8, 1, 0, 0, 0, 0x31, 0xdb, 0xcd, 0x80];
const [I386, ARM, MIPS] = [3, 40, 8];

/** Some kernels that were built for such programs refuse them nevertheless; the C library then takes a shell, which fails. */
function runsI386(): boolean {
  const directory = mkdtempSync('/tmp/ocf-kamailio-i386-');
  try {
    const file = join(directory, 'program');
    writeFileSync(file, program32(I386, EXIT_0), { mode: 0o755 });
    return process.arch === 'x64' && spawnSync(file, { stdio: 'ignore' }).status === 0;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

(runsI386() ? test : test.skip)(
  "an i386 program is one for an x86-64 node whose kernel runs it, and is called (needs the kernel's support)",
  () =>
    withInstance({}, async (instance) => {
      const binary = join(instance.directory, 'kamailio');
      writeFileSync(binary, program32(I386, EXIT_0), { mode: 0o755 });
      assert.ok(isExecutableFormat(binary));
      // It takes any configuration for a good one: so it was executed, and by no shell, which would complain.
      assertCall(await call(instance, 'validate-all', { binary }), 0);
    }),
);

test('a program for other processors, or a damaged one, is refused', () =>
  withScene(async ({ directory }) => {
    const file = join(directory, 'program');
    const whole = program32(I386, EXIT_0);
    const changed = (at: number, value: number) => {
      const bytes = Buffer.from(whole);
      bytes[at] = value;
      return bytes;
    };
    for (const [what, bytes] of [
      ['32 bits of a foreign processor', program32(process.arch === 'arm64' ? I386 : ARM, EXIT_0)],
      ['another foreign processor', program32(MIPS, EXIT_0)],
      ['the other byte order', changed(5, 2)],
      ['no class', changed(4, 7)],
      ['an object file, which is no program', changed(16, 1)],
      ['no program headers', changed(44, 0)],
      ['program headers of another size', changed(42, 56)],
      ['cut off within its program headers', whole.subarray(0, 60)],
      ['cut off within its header', whole.subarray(0, 30)],
      ['the magic number alone', Buffer.from('\x7fELF')],
      ['nothing', Buffer.alloc(0)],
      ['a script without #!', Buffer.from('echo harm\n')],
    ] as const) {
      writeFileSync(file, bytes);
      assert.not(isExecutableFormat(file), what);
    }
  }));

test("the node's own programs and scripts with #! can be executed, a torn copy cannot", () =>
  withScene(async ({ directory }) => {
    for (const program of ['/bin/sh', '/usr/sbin/kamailio', process.execPath]) {
      assert.ok(isExecutableFormat(program), program);
      const copy = join(directory, 'copy');
      copyFileSync(program, copy);
      truncateSync(copy, 100);
      assert.not(isExecutableFormat(copy), `${program}, 100 bytes of it`);
    }
    const script = join(directory, 'script');
    writeFileSync(script, '#!/bin/sh\n');
    assert.ok(isExecutableFormat(script));
  }));

test.run();
