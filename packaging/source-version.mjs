// What the built files say about the source they come from.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Version, commit and time of the source.
 *
 * `epoch` is the one time, in s, that appears in anything that is built: SOURCE_DATE_EPOCH where it is set,
 * else the commit's, else, in a source tree without git, the day of the newest entry of the changelog.
 * `commit` has a `+` behind it when a tracked file differs from it, and is `unknown` without git.
 */
export function sourceVersion() {
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  const commit = git('rev-parse', '--short=12', 'HEAD');
  const changed = commit && git('status', '--porcelain', '--untracked-files=no');
  const epoch = Number(process.env.SOURCE_DATE_EPOCH || git('log', '-1', '--format=%ct') || newestEntry());
  if (!Number.isSafeInteger(epoch) || epoch <= 0)
    throw new Error('SOURCE_DATE_EPOCH is no number of seconds');
  const date = new Date(epoch * 1000).toISOString().slice(0, 10);
  return { version, commit: commit ? `${commit}${changed ? '+' : ''}` : 'unknown', epoch, date };
}

/** Output of git, empty where there is no git or no repository. */
function git(...words) {
  try {
    return execFileSync('git', words, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return '';
  }
}

function newestEntry() {
  const day = /^## \[[^\]]+\] - (\d{4}-\d{2}-\d{2})$/m.exec(readFileSync(`${root}CHANGELOG.md`, 'utf8'))?.[1];
  return day ? Date.parse(day) / 1000 : Number.NaN;
}
