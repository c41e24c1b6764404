import { execFile } from 'node:child_process';
import { rm, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { RUNTIMES } from './runtime.mjs';

const run = promisify(execFile);

/**
 * Copies an executable without its symbols: they are a fifth of it, and it runs without. Tries the tools that
 * know the processor in turn; throws when none does.
 */
export async function stripped(arch, source, target) {
  const failures = [];
  for (const tool of RUNTIMES[arch].strip) {
    try {
      await run(tool, ['--strip-all', '-o', target, source]);
      if ((await stat(target)).size < (await stat(source)).size) return;
      failures.push(`${tool} takes nothing away`);
    } catch (error) {
      await rm(target, { force: true });
      // The next tool would find no more room.
      if (/no space left/i.test(error.stderr))
        throw new Error(`cannot strip the runtime for ${arch}: no space left on device for ${target}`);
      failures.push(error.code === 'ENOENT' ? `${tool} is not installed` : `${tool}: ${firstLine(error)}`);
    }
  }
  throw new Error(
    `cannot strip the runtime for ${arch} (${failures.join('; ')}); install ${RUNTIMES[arch].binutils}`,
  );
}

function firstLine(error) {
  return String(error.stderr || error.message)
    .trim()
    .split('\n')[0];
}
