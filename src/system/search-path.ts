/** The system's own directories, for a caller who names none. */
const STANDARD_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * A PATH without its empty and relative parts (execvp(3)): they mean the directory that the caller happens to be in,
 * which may be a stranger's, and what lies there would run as root. The tools of monitor_tools=external are shell
 * scripts, and find their own programs by it.
 */
export function absoluteParts(path = ''): string {
  const parts = path.split(':').filter((part) => part.startsWith('/'));
  return parts.join(':') || STANDARD_PATH;
}
