import { chmodSync, constants, copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestInstance, until } from './instance.ts';
import { type Bystander, withProgram } from './processes.ts';

/**
 * Runs a program that is called "kamailio", belongs to root and has an instance's pidfile behind `-P`, for
 * what a real Kamailio cannot be made to do. It is this Node.js with `script`, which runs before the
 * pidfile is written; it is killed when `body` is through.
 */
export async function withStandIn(
  instance: TestInstance,
  script: string,
  body: (standIn: Bystander) => Promise<void>,
): Promise<void> {
  const program = join(instance.directory, 'kamailio');
  copyNode(program);
  const file = join(instance.directory, 'stand-in.cjs');
  const last = `require('node:fs').writeFileSync(${JSON.stringify(instance.pidfile)}, String(process.pid));`;
  writeFileSync(file, `setInterval(() => {}, 2 ** 30);\n${script}\n${last}\n`);
  await withProgram(program, [file, '-P', instance.pidfile], {}, async (standIn) => {
    await until(() => existsSync(instance.pidfile), 'the stand-in has written its pidfile');
    await body(standIn);
  });
}

/** Puts an executable of our own at `path`. */
export function copyNode(path: string): void {
  copyFileSync(process.execPath, path, constants.COPYFILE_FICLONE);
  chmodSync(path, 0o755);
}
