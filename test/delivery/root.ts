import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pristineRoot } from './pristine.ts';
import { AS_ROOT, hasTool, type Need, type Run, type RunOptions, run, workDirectory } from './tools.ts';

/** A minimal Debian of a test's own, in a mount namespace of its own. */
export interface Root {
  /** Where this process finds it. */
  readonly path: string;
  /** Where programs find it that `run` runs. */
  readonly inside: string;
  /** Pid of the process that holds the namespace. */
  readonly holder: number;
  /** Runs a program of the machine in the namespace. */
  run(file: string, args: readonly string[], options?: RunOptions): Run;
}

/** Everything is in memory, over the pristine root; a kernel without overlay gets a copy. */
const MOUNT = `set -e
mount -t tmpfs -o mode=755 none "$2"
cd "$2"
mkdir lower upper work root
mount --bind "$1" lower
mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work none root 2>/dev/null || cp -a lower/. root
echo ready
exec cat`;

/** What withRoot cannot do without. */
export const NEEDS_OF_ROOT: readonly Need[] = [
  AS_ROOT,
  [run('unshare', ['--mount', 'true']).status === 0, 'no mount namespace can be made'],
  ...['debootstrap', 'apt-get', 'nsenter'],
];

/** apt-get's words; sid changes several times a day, and not all at once. */
const MISFIT = /unmet dependencies|Unable to correct problems|no installation candidate/;

/** The root of a release that `make` makes, or why there is none: not every package source has every release. */
export function rootOrWhyNot(
  codename: string,
  make: () => string,
): { readonly path: string; readonly need: Need } {
  if (!NEEDS_OF_ROOT.every((need) => (typeof need === 'string' ? hasTool(need) : need[0])))
    return { path: '', need: [false, 'no root can be made'] };
  try {
    return { path: make(), need: [true, ''] };
  } catch (error) {
    if (/Failed getting release file|Invalid Release file/.test(String(error)))
      return { path: '', need: [false, `the package source has no ${codename}`] };
    if (codename === 'sid' && MISFIT.test(String(error)))
      return { path: '', need: [false, "sid's packages do not fit together today"] };
    throw error;
  }
}

/**
 * Runs `body` with a minimal Debian, pristineRoot unless said otherwise, that it may change. The namespace lives as long as a
 * process that ends with this one, and the mounts with it, whatever becomes of the test.
 */
export async function withRoot(
  body: (root: Root) => Promise<void> | void,
  pristine = pristineRoot(),
): Promise<void> {
  const work = workDirectory('delivery');
  const holder = spawn('unshare', ['--mount', 'sh', '-c', MOUNT, 'sh', pristine, work], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    await ready(holder);
    await body(rootOf(holder.pid ?? 0, join(work, 'root')));
  } finally {
    holder.stdin.end();
    if (holder.exitCode === null && holder.signalCode === null) await once(holder, 'exit');
    rmSync(work, { recursive: true, force: true });
  }
}

async function ready(holder: ChildProcess): Promise<void> {
  const end = once(holder, 'exit').then(() => {
    throw new Error('no mount namespace can be made');
  });
  if (holder.stdout) await Promise.race([once(holder.stdout, 'data'), end]);
  // It ends later, and nobody is told.
  end.catch(() => {});
}

function rootOf(holder: number, inside: string): Root {
  return {
    path: `/proc/${holder}/root${inside}`,
    inside,
    holder,
    run: (file, args, options) => run('nsenter', [...intoNamespace(holder), '--', file, ...args], options),
  };
}

/** Words of nsenter(1) for the mounts of a holder: with its root, for this process may itself be in a root of its own. */
export function intoNamespace(holder: number): readonly string[] {
  return ['--target', String(holder), '--mount', '--root'];
}
