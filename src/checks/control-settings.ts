import { errorCode, isExhaustion } from '../error-code.ts';
import { Failure } from '../failure.ts';
import { type ControlSettings, readControlSettings } from '../kamctl/kamctlrc.ts';
import { removeSpareFifo, spareFifoPath } from '../kamctl/spare-fifo.ts';
import { ExitCode } from '../ocf/exit-code.ts';

/** The two parameters that say where an instance's control plane is. */
interface Whose {
  readonly kamctlrc: string;
  readonly pidfile: string;
}

/**
 * Reads the instance's kamctlrc. Throws Failure `installed` when the file is missing, `permission` when it
 * may not be read, `arguments` when it cannot be used.
 */
export function controlSettings({ kamctlrc, pidfile }: Whose): ControlSettings {
  try {
    return readControlSettings(kamctlrc, pidfile);
  } catch (error) {
    if (error instanceof Failure) throw error.as(ExitCode.arguments);
    if (isExhaustion(error)) throw error;
    if (errorCode(error) === 'EACCES') {
      throw new Failure(
        {
          seen: `kamctlrc ${kamctlrc} cannot be read`,
          remedy: 'call the agent as root, or make the file readable',
        },
        ExitCode.permission,
      );
    }
    throw new Failure(
      {
        seen: `kamctlrc ${kamctlrc} is missing on this node (${errorCode(error)})`,
        remedy: 'put it there, or set kamctlrc to nothing if this instance has no control plane',
      },
      ExitCode.installed,
    );
  }
}

/** Removes the spare FIFO of an instance. Never throws: without a kamctlrc to read it is looked for in /tmp. */
export function removeSpare({ kamctlrc, pidfile }: Whose): void {
  if (!kamctlrc) return;
  let spare = spareFifoPath('/tmp', pidfile);
  try {
    spare = readControlSettings(kamctlrc, pidfile).spareFifo;
  } catch {
    // It is missing, or nobody can read it any more.
  }
  removeSpareFifo(spare);
}
