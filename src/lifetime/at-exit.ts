/** The signals that end an agent and leave it time to clean up: the executor's, a terminal's, and that of a lost terminal. */
const ENDING_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/**
 * Makes sure that `clean` runs once, however this process ends: when the returned function is called, when
 * the process exits with a verdict while something still waits, or on a signal that ends it. After the clean-up
 * the signal is sent again, so that whoever called the agent sees what ended it.
 */
export function cleanUpAtExit(clean: () => void): () => void {
  const onSignal = (signal: NodeJS.Signals) => {
    done();
    process.kill(process.pid, signal);
  };
  const done = () => {
    for (const signal of ENDING_SIGNALS) process.off(signal, onSignal);
    process.off('exit', done);
    clean();
  };
  for (const signal of ENDING_SIGNALS) process.once(signal, onSignal);
  process.once('exit', done);
  return done;
}
