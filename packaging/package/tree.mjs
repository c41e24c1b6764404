// Files of a package, written down so that the same source gives the same tree: no umask, clock or order of
// the machine shows in it.
import { chmod, copyFile, lutimes, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** Puts a file with these contents (text or Buffer) at `path` below `tree`. */
export async function put(tree, path, contents, mode = 0o644) {
  await mkdir(dirname(join(tree, path)), { recursive: true });
  await writeFile(join(tree, path), contents, { mode });
  await chmod(join(tree, path), mode);
}

/** Copies a large file. */
export async function putCopy(tree, path, source, mode) {
  await mkdir(dirname(join(tree, path)), { recursive: true });
  await copyFile(source, join(tree, path));
  await chmod(join(tree, path), mode);
}

export async function putLink(tree, path, target) {
  await mkdir(dirname(join(tree, path)), { recursive: true });
  await symlink(target, join(tree, path));
}

/** gzip without a name and a time in its header. */
export function gzip(contents) {
  return gzipSync(contents, { level: 9 });
}

/** Every entry below `tree`, directories too, as paths relative to it, sorted by their bytes. */
export async function listing(tree) {
  const entries = await readdir(tree, { recursive: true, withFileTypes: true });
  return entries
    .map((entry) => ({ path: join(entry.parentPath, entry.name).slice(tree.length + 1), entry }))
    .sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}

/** Directories to 0755, and every time to `epoch` (s). */
export async function settle(tree, epoch) {
  const entries = await listing(tree);
  for (const { path, entry } of entries.reverse()) {
    if (entry.isDirectory()) await chmod(join(tree, path), 0o755);
    await lutimes(join(tree, path), epoch, epoch);
  }
  await chmod(tree, 0o755);
  await lutimes(tree, epoch, epoch);
}
