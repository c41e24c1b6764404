/**
 * Makes foreign text (a SIP reply, Kamailio's output, a parameter) safe for one line of a log or a
 * terminal: line ends become ` | `, other control characters (terminal escapes, bidirectional marks, what no
 * XML may hold) become `?`, and what is longer than `limit` characters is cut.
 */
export function oneLine(text: string, limit = 1000): string {
  const line = text
    .trim()
    .replace(/\s*[\r\n]+\s*/g, ' | ')
    .replace(/\t/g, ' ')
    .replace(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/gu, '?');
  return line.length > limit ? `${line.slice(0, limit - 3)}...` : line;
}
