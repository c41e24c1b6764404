/** What clears up behind a suite that is interrupted: it comes to no `finally`. */
const pending = new Set<() => void>();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    for (const clean of pending) clean();
    process.kill(process.pid, signal);
  });
}

/** Has `clean` called if a signal ends this suite, until the function that it returns is called. */
export function ifInterrupted(clean: () => void): () => void {
  pending.add(clean);
  return () => pending.delete(clean);
}
