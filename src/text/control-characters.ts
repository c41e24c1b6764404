/**
 * Whether a text holds a control character (newline, escape, NUL, DEL, C1). A monitor asks that of each
 * path: a loop costs it less than the tables of Unicode that `\p{Cc}` is made of.
 */
export function hasControl(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
  }
  return false;
}
