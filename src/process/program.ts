import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { executableOwner, readExecutable, readStat } from './procfs.ts';

/**
 * Returns a function that says whether a process runs Kamailio's program, without a look into its memory. The path
 * of the executable decides. Where `binary` is a link or a wrapper, or has moved to another version's directory, its
 * name decides, but then the file must be root's or the agent's own: any local user can call a program of his
 * "kamailio". Where `binary` leads is looked up once, for there may be thousands of processes.
 */
export function recognizer(binary: string): (pid: number) => boolean {
  let known: { readonly real: string; readonly names: readonly string[] } | undefined;
  return (pid) => {
    const executable = readExecutable(pid);
    if (executable === 'gone') return false;
    const path = executable === 'hidden' ? undefined : executable.path.replace(/ \(deleted\)$/, '');
    if (path === binary) return true;
    known ??= namesOf(binary);
    if (path === undefined) {
      // An agent that may not trace (a container's root, an ordinary user) must not call a Kamailio "not
      // running" that it cannot see into: then the name counts.
      return known.names.includes(readStat(pid)?.name ?? '');
    }
    if (path === known.real) return true;
    return known.names.includes(basename(path)) && [0, process.geteuid?.()].includes(executableOwner(pid));
  };
}

function namesOf(binary: string): { real: string; names: readonly string[] } {
  const real = realPath(binary);
  return { real, names: [basename(binary), basename(real), 'kamailio'] };
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
