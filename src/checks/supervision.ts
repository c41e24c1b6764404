import type { Problem } from '../failure/failure.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import type { ProcessStat } from '../process/procfs.ts';
import { STOPPED_MS, stayingIn } from '../process/staying.ts';

/**
 * A main process that stays stopped (state T, proc(5)) for 2 s, or until the deadline; nothing if it goes on before.
 * Its workers may answer all the while, but nobody notices any more if one of them dies. One that is traced (t: a
 * debugger, gcore) is no problem: a person works on it, and a restart would end what he looks at.
 */
export async function stoppedMain(main: ProcessStat, deadline: Deadline): Promise<readonly Problem[]> {
  const [stopped] = await stayingIn('T', [main], STOPPED_MS, deadline);
  if (!stopped) return [];
  const { pid } = stopped;
  return [
    {
      seen: `main process ${pid} is stopped (state T: SIGSTOP or job control) and supervises nobody, though its workers may still answer`,
      remedy: `\`kill -CONT ${pid}\` lets it go on, a stop ends it`,
    },
  ];
}
