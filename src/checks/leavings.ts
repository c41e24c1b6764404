import { sweepKamctlHomes } from '../external/kamctl-home.ts';
import { replyFifoPrefix, spareFifoPath } from '../kamctl/fifo-names.ts';
import { type ControlSettings, readControlSettings } from '../kamctl/kamctlrc.ts';
import { removeSpareFifo, sweepReplyFifos } from '../kamctl/reusable-fifo.ts';
import { type Instance, isKnownAccount } from '../process/instance.ts';
import type { Whose } from './control-settings.ts';

/**
 * Removes what agents of this instance left when SIGKILL ended them, as the executor does with one that is late, or whose
 * operation is changed: FIFOs for replies, and homes of kamctl. Never throws: without a kamctlrc to read it looks in /tmp.
 */
export function sweepLeavings(instance: Instance & Whose): void {
  const { replyDirectory, replyPrefix } = whereabouts(instance);
  sweepReplyFifos(replyDirectory, replyPrefix, (uid) => isKnownAccount(uid, instance));
  sweepKamctlHomes();
}

/** The same, and the instance's spare FIFO. Never throws. */
export function removeSpare(instance: Instance & Whose): void {
  if (instance.kamctlrc) removeSpareFifo(whereabouts(instance).spareFifo);
  sweepLeavings(instance);
}

function whereabouts({
  kamctlrc,
  pidfile,
}: Whose): Pick<ControlSettings, 'replyDirectory' | 'replyPrefix' | 'spareFifo'> {
  try {
    return readControlSettings(kamctlrc, pidfile);
  } catch {
    // It is missing, or nobody can read it any more.
    const replyDirectory = '/tmp';
    return {
      replyDirectory,
      replyPrefix: replyFifoPrefix(replyDirectory, pidfile),
      spareFifo: spareFifoPath(replyDirectory, pidfile),
    };
  }
}
