import type { Params } from '../interface/parameters.ts';
import { findAccount } from '../process/account.ts';
import { rememberUid } from '../process/account-note.ts';
import { isTold } from '../process/instance.ts';
import { type ProcessStat, readStatus } from '../process/procfs.ts';

/** An account that processes of the instance run as though kamuser does not name it: kamailio.cfg has user= . */
export interface UntoldAccount {
  /** As kamuser takes it: its name, or its number if it has none. */
  readonly name: string;
  /** `kamailio (uid 112)` */
  readonly description: string;
}

/** The first such account among the processes; undefined if kamuser names all of them. */
export function untoldAccount(
  params: Pick<Params, 'kamuser'>,
  processes: readonly Pick<ProcessStat, 'pid'>[],
): UntoldAccount | undefined {
  for (const { pid } of processes) {
    const uid = readStatus(pid)?.realUid;
    if (uid !== undefined && !isTold(uid, params)) return describe(uid);
  }
  return undefined;
}

/**
 * For a start that succeeds: if the main process runs as an account that the agent was not told of, leaves a note for
 * the monitors and stops to come. They know the account by the owner of the pidfile, but that can be lost, and then
 * they would call a Kamailio that lives "not running". Returns a warning for the log.
 */
export function rememberUntold(params: Params, mainPid: number): string | undefined {
  const uid = readStatus(mainPid)?.realUid;
  // An agent that is not root has Kamailio run as its own account.
  if (uid === undefined || process.geteuid?.() !== 0 || isTold(uid, params)) return undefined;
  const { name, description } = describe(uid);
  const seen = `Kamailio runs as ${description}, which kamailio.cfg sets and kamuser does not name; set kamuser=${name}`;
  try {
    rememberUid(params.pidfile, uid);
    return `${seen} (until then the agent remembers it)`;
  } catch (error) {
    return `${seen}, for the agent cannot remember it (${error instanceof Error ? error.message : error})`;
  }
}

function describe(uid: number): UntoldAccount {
  const name = findAccount(String(uid))?.name ?? String(uid);
  return { name, description: `${name} (uid ${uid})` };
}
