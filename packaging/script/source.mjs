import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * Version, commit and time of the source in the directory `root`.
 *
 * `epoch` is the one time, in s, that appears in anything that is built: SOURCE_DATE_EPOCH where it is set,
 * else the commit's, else, in a source tree without git, the day of the newest entry of the changelog.
 * `commit` ends in `+` if a tracked file differs from it, and is `unknown` without git.
 */
export function sourceVersion(root) {
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  const commit = git(root, 'rev-parse', '--short=12', 'HEAD');
  const changed = commit && git(root, 'status', '--porcelain', '--untracked-files=no');
  const epoch = Number(
    process.env.SOURCE_DATE_EPOCH || git(root, 'log', '-1', '--format=%ct') || newestEntry(root),
  );
  if (!Number.isSafeInteger(epoch) || epoch <= 0)
    throw new Error('SOURCE_DATE_EPOCH is not a number of seconds');
  const date = new Date(epoch * 1000).toISOString().slice(0, 10);
  return { version, commit: commit ? `${commit}${changed ? '+' : ''}` : 'unknown', epoch, date };
}

/** Output of git, empty where there is no git or no repository. */
function git(root, ...words) {
  const options = { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };
  try {
    return execFileSync('git', words, options).trim();
  } catch {
    return '';
  }
}

function newestEntry(root) {
  const day = /^## \[[^\]]+\] - (\d{4}-\d{2}-\d{2})$/m.exec(readFileSync(`${root}CHANGELOG.md`, 'utf8'))?.[1];
  return day ? Date.parse(day) / 1000 : Number.NaN;
}
