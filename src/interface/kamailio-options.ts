import { Failure } from '../failure/failure.ts';
import { words } from './domains.ts';

/** Options of Kamailio (`kamailio -h`) that take an argument, which stands behind the letter or in the next word. */
const WITH_ARGUMENT = 'aAbBfgGlLmMnNOPQtuwWxXY';

/** Options that never work here, and why. The first three are the agent's own; the others make Kamailio do something else. */
const REFUSED: Readonly<Record<string, { readonly seen: string; readonly remedy: string }>> = {
  P: { seen: 'which the agent sets itself', remedy: 'use the parameter pidfile' },
  f: { seen: 'which the agent sets itself', remedy: 'use the parameter conffile' },
  c: { seen: 'which only checks the configuration file', remedy: 'remove it; validate-all checks it' },
  h: { seen: 'which only prints the help', remedy: 'remove it' },
  v: { seen: 'which only prints the version', remedy: 'remove it' },
  V: { seen: 'which only prints the version', remedy: 'remove it' },
  I: { seen: 'which only prints how Kamailio was compiled', remedy: 'remove it' },
};

/** Long options that make Kamailio print something and end; getopt_long(3) takes their beginnings, too. */
const REFUSED_LONG = ['--help', '--version', '--cfg-print'];

/**
 * More options for the command line of Kamailio, split into words; see `words`. Throws Failure for an option with which
 * no start can succeed: it would wait for its whole timeout, and its reason would lead astray.
 */
export function kamailioOptions(text: string): readonly string[] {
  const found = words(text);
  for (let index = 0; index < found.length; index += 1) {
    const word = found[index] ?? '';
    if (word.startsWith('--')) refuseLong(word);
    else if (word.startsWith('-') && takesNextWord(word)) index += 1;
  }
  return found;
}

/** The directory that -t names; undefined if there is none. */
export function chrootOption(options: readonly string[]): string | undefined {
  return directoryOption('-t', options);
}

/** The directory for sockets that -Y names; undefined if there is none. */
export function runtimeOption(options: readonly string[]): string | undefined {
  return directoryOption('-Y', options);
}

function directoryOption(name: '-t' | '-Y', options: readonly string[]): string | undefined {
  const at = options.indexOf(name);
  return at >= 0 ? options[at + 1] : options.find((word) => word.startsWith(name))?.slice(name.length);
}

/** Looks at each letter of a word such as `-rRT` or `-m64`. Returns whether its last option takes the next word. */
function takesNextWord(word: string): boolean {
  const letters = word.slice(1);
  // -DD keeps Kamailio in the foreground, but it writes its pidfile and forks its workers.
  if (/^[^D]*D[^D]*$/.test(letters.replace(new RegExp(`[${WITH_ARGUMENT}].*`), '')))
    throw refusal('-D', { seen: 'with which Kamailio writes no pidfile', remedy: 'remove it' });
  for (const [index, letter] of [...letters].entries()) {
    const refused = Object.hasOwn(REFUSED, letter) ? REFUSED[letter] : undefined;
    if (refused) throw refusal(`-${letter}`, refused);
    if (WITH_ARGUMENT.includes(letter)) return index === letters.length - 1;
  }
  return false;
}

function refuseLong(word: string): void {
  const name = word.split('=', 1)[0] ?? '';
  if (name.length > 2 && REFUSED_LONG.some((long) => long.startsWith(name)))
    throw refusal(word, { seen: 'which only prints something', remedy: 'remove it' });
}

function refusal(
  option: string,
  { seen, remedy }: { readonly seen: string; readonly remedy: string },
): Failure {
  return new Failure({ seen: `holds ${option}, ${seen}`, remedy });
}
