import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { isExhaustion } from '../failure/system-error.ts';
import { runProgram } from '../system/run-program.ts';

/**
 * Whether this node's kernel says that it runs programs of 32 bits beside those of its own kind, `64 LE 62` (x86-64)
 * or `64 LE 183` (AArch64). No such program is tried: one that the kernel refuses would end up in a shell.
 */
export function runs32Bit(kind: string): boolean {
  return kind === '64 LE 62' ? runsI386() : runsArm();
}

/**
 * A kernel that was built for i386 programs has this setting (CONFIG_IA32_EMULATION); `ia32_emulation=` on its command
 * line, and where that is absent its configuration, may switch them off (kernel-parameters.txt, Linux 6.7).
 */
function runsI386(): boolean {
  if (!existsSync('/proc/sys/abi/vsyscall32')) return false;
  const value = /(?:^| )ia32_emulation=(\S+)/.exec(readText('/proc/cmdline'))?.[1];
  if (value !== undefined) return /^(1|y|on|true)/i.test(value);
  return !/^CONFIG_IA32_EMULATION_DEFAULT_DISABLED=y$/m.test(readText(`/boot/config-${release()}`));
}

/** Processors that run AArch64 alone refuse the personality of 32 bits (personality(2)), which setarch(8) asks for. */
function runsArm(): boolean {
  return runProgram('/usr/bin/setarch', ['linux32', '/bin/true'], { limitMs: 2000 }).status === 0;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isExhaustion(error)) throw error;
    return '';
  }
}
