/**
 * Makes sure that `clean` runs once, however this process ends: when the returned function is called, when
 * the process exits with a verdict while something still waits, or on the SIGTERM with which the executor
 * ends an agent that is late.
 */
export function cleanUpAtExit(clean: () => void): () => void {
  const onTerminate = () => {
    done();
    process.kill(process.pid, 'SIGTERM');
  };
  const done = () => {
    process.off('SIGTERM', onTerminate).off('exit', done);
    clean();
  };
  process.once('SIGTERM', onTerminate).once('exit', done);
  return done;
}
