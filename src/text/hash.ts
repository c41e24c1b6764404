/** A number of 32 bits for a text (FNV-1a), the same in each version of Node.js. Nothing secret hangs on it. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
