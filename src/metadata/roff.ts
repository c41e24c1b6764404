/** The few pieces of man(7) that the man page is made of. Each returns lines without a final newline. */

/** mandoc(1) reports longer lines of source. */
const LINE_LENGTH = 78;

/** Text as roff shows it: nothing in it is taken for a request, and what is copied from a terminal is ASCII. */
export function escapeRoff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replace(
      /[^\n -~]/gu,
      (letter) => `\\[u${letter.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}]`,
    )
    .replace(/^\./gm, '\\&.');
}

/** One paragraph of running text, each sentence on a line of its own. */
export function fill(text: string): string {
  return text
    .trim()
    .split(/(?<=[.?!:])\s+(?=[A-Z"(])/)
    .map(wrap)
    .join('\n');
}

/** Paragraphs separated by empty lines; one whose lines begin with blanks is shown as it stands. */
export function paragraphs(text: string): string {
  return text
    .split('\n\n')
    .map((part) => (part.startsWith('    ') ? example(part.replace(/^ {4}/gm, '')) : fill(part)))
    .join('\n.PP\n')
    .replaceAll('\n.PP\n.PP\n', '\n.PP\n');
}

/** Lines as they stand, indented. */
export function example(text: string): string {
  return `.RS 4\n.nf\n${escapeRoff(text)}\n.fi\n.RE`;
}

export function section(title: string, body: string): string {
  return `.SH ${title}\n${body}`;
}

/** A term, in bold, with an indented explanation below it; its further paragraphs stay indented. */
export function entry(term: string, explanation: string): string {
  return `.TP\n.B ${escapeRoff(term)}\n${explanation.replaceAll('\n.PP\n', '\n.IP\n')}`;
}

function wrap(sentence: string): string {
  const lines = [''];
  for (const word of sentence.split(/\s+/).map(escapeRoff)) {
    const line = lines.at(-1) ?? '';
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length > LINE_LENGTH) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.map((line) => line.replace(/^\./, '\\&.')).join('\n');
}
