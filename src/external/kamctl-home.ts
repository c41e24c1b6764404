import { lstatSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../failure/failure.ts';
import { errorCode, isExhaustion } from '../failure/system-error.ts';
import { agentMark, isGone, MARK_PATTERN } from '../process/agent-mark.ts';

/** A home directory for one call of kamctl. */
export interface KamctlHome {
  readonly path: string;
  /** Notes the FIFO in which kamctl waits for its reply: a kamctl that is killed leaves it. */
  noteReplyFifo(path: string): void;
  /** Removes the directory, and the FIFO that is noted in it. Never throws. */
  remove(): void;
}

const PREFIX = 'kamailio_ocf_home_';
/** A link in the home to the FIFO for kamctl's reply. */
const REPLY_FIFO = 'reply-fifo';

/**
 * Makes a home in which ~/.kamctlrc is the instance's. Its name holds the mark of this agent, for `sweepKamctlHomes`.
 * Throws Failure.
 */
export function makeKamctlHome(kamctlrc: string): KamctlHome {
  const parent = parentDirectory();
  try {
    const path = mkdtempSync(join(parent, `${PREFIX}${agentMark()}_`));
    symlinkSync(kamctlrc, join(path, '.kamctlrc'));
    return {
      path,
      noteReplyFifo: (fifo) => symlinkSync(fifo, join(path, REPLY_FIFO)),
      remove: () => removeHome(path),
    };
  } catch (error) {
    if (isExhaustion(error)) throw error;
    throw new Failure({
      seen: `no directory for the settings of kamctl can be made in ${parent} (${errorCode(error)})`,
      remedy: 'is the disk full, or the directory read-only?',
    });
  }
}

/** Removes the homes of agents that SIGKILL ended, and their FIFOs. A stranger's directory of that name stays. Never throws. */
export function sweepKamctlHomes(): void {
  const parent = parentDirectory();
  for (const name of namesIn(parent)) {
    const mark = new RegExp(`^${PREFIX}${MARK_PATTERN}_\\w{6}$`).exec(name);
    if (!mark || !isGone(mark[1] ?? '', mark[2] ?? '')) continue;
    const path = join(parent, name);
    const there = lstatSync(path, { throwIfNoEntry: false });
    if (there?.isDirectory() && there.uid === process.geteuid?.()) removeHome(path);
  }
}

/** kamctl executes what is in it as shell code. So root's is in /run, not in a /tmp that may be open to all. */
function parentDirectory(): string {
  return process.geteuid?.() === 0 ? '/run' : '/tmp';
}

function removeHome(path: string): void {
  try {
    removeReplyFifo(readlinkSync(join(path, REPLY_FIFO)));
  } catch {
    // kamctl has not been started, or has removed its FIFO itself, as it does when it ends well.
  }
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // The next start or stop tries again.
  }
}

/** Only a FIFO of ours goes. */
function removeReplyFifo(path: string): void {
  const stat = lstatSync(path);
  if (stat.isFIFO() && stat.uid === process.geteuid?.()) unlinkSync(path);
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => name.startsWith(PREFIX));
  } catch {
    return [];
  }
}
