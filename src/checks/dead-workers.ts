import type { Problem } from '../failure/failure.ts';
import { processesLeft } from '../process/dead-workers.ts';
import type { ProcessStat } from '../process/procfs.ts';

/** Why nothing answers, if its workers died in their initialisation: a person need not look for a hang. */
export function deadWorkers(main: ProcessStat): Problem[] {
  const left = processesLeft(main);
  if (left === undefined) return [];
  const seen = `its processes have died, ${left} besides the main one ${left === 1 ? 'is' : 'are'} left`;
  return [{ seen, remedy: "see Kamailio's log for what they could not reach, such as a database" }];
}
