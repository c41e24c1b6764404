/** What a command line of Kamailio says, sorted by who has to know it (kamailio(8), 5.5 to 6.0). */
export interface CommandOptions {
  readonly pidfile: string | undefined;
  /** -P and the path are one word (`-P/run/x.pid`): the agent knows its processes by two. */
  readonly pidfileIsJoined: boolean;
  readonly conffile: string | undefined;
  readonly user: string | undefined;
  readonly group: string | undefined;
  /** The values of -l, in their order. */
  readonly listen: readonly string[];
  /** -T: no TCP. */
  readonly withoutTcp: boolean;
  /** What keeps Kamailio in the foreground (-D, -DD) or its log on stderr (-E, -e), which a cluster cannot use. */
  readonly dropped: readonly string[];
  /** All others, for `extra_options`. */
  readonly rest: readonly string[];
}

/** Options with a value. The others stand alone and may be written together. */
const WITH_VALUE = new Set('abfglLmMnNOPGQtuwWAxXY');
const LONG_WITH_VALUE =
  /^--(alias|atexit|debug|domain|loadmodule|log-engine|modparam|server-id|subst|substdef|substdefs)$/;

/** Reads the words behind the program's name, as getopt_long(3) does for Kamailio. */
export function readCommandOptions(argv: readonly string[]): CommandOptions {
  const values = new Map<string, string>();
  const listen: string[] = [];
  const dropped: string[] = [];
  const rest: string[] = [];
  let withoutTcp = false;
  let pidfileIsJoined = false;
  const words = [...argv];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word.startsWith('--')) {
      rest.push(word);
      if (LONG_WITH_VALUE.test(word)) rest.push(words.shift() ?? '');
      continue;
    }
    if (!word.startsWith('-')) {
      rest.push(word);
      continue;
    }
    for (let at = 1; at < word.length; at += 1) {
      const letter = word.charAt(at);
      if (!WITH_VALUE.has(letter)) {
        if (letter === 'T') withoutTcp = true;
        else if ('DEe'.includes(letter)) dropped.push(`-${letter}`);
        else rest.push(`-${letter}`);
        continue;
      }
      const joined = word.slice(at + 1);
      const value = joined || (words.shift() ?? '');
      if (letter === 'P') pidfileIsJoined = word !== '-P';
      if (letter === 'l') listen.push(value);
      else if ('Pfug'.includes(letter)) values.set(letter, value);
      else rest.push(`-${letter}`, value);
      break;
    }
  }
  return {
    pidfile: values.get('P'),
    pidfileIsJoined,
    conffile: values.get('f'),
    user: values.get('u'),
    group: values.get('g'),
    listen,
    withoutTcp,
    dropped,
    rest,
  };
}
