import { sweepKamctlHomes } from '../external/kamctl-home.ts';
import { Failure } from '../failure/failure.ts';
import { errorCode, isExhaustion } from '../failure/system-error.ts';
import { replyFifoPrefix, spareFifoPath } from '../kamctl/fifo-names.ts';
import { type ControlSettings, readControlSettings } from '../kamctl/kamctlrc.ts';
import { removeSpareFifo, sweepReplyFifos } from '../kamctl/reusable-fifo.ts';
import { OCF_ERR_ARGS, OCF_ERR_INSTALLED, OCF_ERR_PERM } from '../ocf/exit-code.ts';
import { type Instance, isKnownAccount } from '../process/instance.ts';

/** The two parameters that say where an instance's control plane is. */
interface Whose {
  readonly kamctlrc: string;
  readonly pidfile: string;
}

/**
 * Reads the instance's kamctlrc. Throws Failure OCF_ERR_INSTALLED when the file is missing, OCF_ERR_PERM when it
 * may not be read, OCF_ERR_ARGS when it cannot be used.
 */
export function controlSettings({ kamctlrc, pidfile }: Whose): ControlSettings {
  try {
    return readControlSettings(kamctlrc, pidfile);
  } catch (error) {
    if (error instanceof Failure) throw error.as(OCF_ERR_ARGS);
    if (isExhaustion(error)) throw error;
    if (errorCode(error) === 'EACCES') {
      throw new Failure(
        {
          seen: `kamctlrc ${kamctlrc} cannot be read`,
          remedy: 'call the agent as root, or make the file readable',
        },
        OCF_ERR_PERM,
      );
    }
    throw new Failure(
      {
        seen: `kamctlrc ${kamctlrc} is missing on this node (${errorCode(error)})`,
        remedy: 'put it there, or set kamctlrc to nothing if this instance has no control plane',
      },
      OCF_ERR_INSTALLED,
    );
  }
}

/**
 * Removes what agents of this instance left when SIGKILL ended them, as the executor does with one that is late: FIFOs
 * for replies, and homes of kamctl. Never throws: without a kamctlrc to read it looks in /tmp.
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
