/** A word as a POSIX shell reads it back, whatever it holds: bare if every character is harmless, else in '...'. */
export function quoteForShell(word: string): string {
  return /^[\w@%+:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** NAME=VALUE for a shell: a bare name, so that a person can read it. */
export function quotePair(name: string, value: string): string {
  return `${name}=${quoteForShell(value)}`;
}

/**
 * Words as one text for `extra_options`, which splits it at blanks again (see `words` in interface/domains.ts). It
 * adds no backslash: crmsh loses one before a quote.
 */
export function joinWords(words: readonly string[]): string {
  return words
    .map((word) => (/^[^\s"'\\]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`))
    .join(' ');
}

/** Whether crmsh 4 can take a value: it fails where a backslash is before a double quote, or at the end. */
export function isSafeForCrm(text: string): boolean {
  return !/\\(?:"|$)/.test(text);
}

/** A value for the commands of crm, which reads "..." as a shell does but expands nothing. */
export function quoteForCrm(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}
