import { readFileSync } from 'node:fs';

const UUID_LENGTH = 36;

/**
 * 30 hexadecimal digits that nobody can guess (120 bits): names and tags. They are a random UUID of the
 * kernel's (random(4), /proc/sys/kernel/random/uuid), read in one call: a monitor has no time for node:crypto.
 */
export function randomDigits(): string {
  const uuid = readFileSync('/proc/sys/kernel/random/uuid', 'utf8').trim();
  if (uuid.length !== UUID_LENGTH) throw new Error(`the kernel gave no random UUID: ${uuid}`);
  // xxxxxxxx-xxxx-Vxxx-Nxxx-xxxxxxxxxxxx: V is the version, and N holds the variant (RFC 9562 §5.4).
  return uuid.slice(0, 8) + uuid.slice(9, 13) + uuid.slice(15, 18) + uuid.slice(20, 23) + uuid.slice(24);
}
