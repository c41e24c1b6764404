/** The system's name of an error (`ENOENT`), or its text where it has none. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : String(error);
}

/**
 * Whether the kernel had nothing left to do a call with (errno(3)): what such a call was to show is not known then,
 * and must be taken for neither missing nor gone.
 */
export function isExhaustion(error: unknown): boolean {
  return ['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM'].includes(errorCode(error));
}

/** What to say of such an error, and what to do, as two parts of a sentence. */
export function explainExhaustion(error: unknown): { seen: string; remedy: string } {
  return {
    seen: `no more processes, descriptors or memory for the agent (${error instanceof Error ? error.message : error})`,
    remedy: 'see `ulimit -a` of the executor, /proc/sys/fs/file-nr and `free`, and end what uses them up',
  };
}
