import { errorCode, isExhaustion } from '../error-code.ts';
import { type ControlSettings, KamctlrcError, readControlSettings } from '../kamctl/kamctlrc.ts';
import { removeSpareFifo, spareFifoPath } from '../kamctl/spare-fifo.ts';
import { ExitCode } from '../ocf/exit-code.ts';
import { Failure } from '../ocf/failure.ts';

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
    if (error instanceof KamctlrcError) throw new Failure(ExitCode.arguments, error.message);
    if (isExhaustion(error)) throw error;
    if (errorCode(error) === 'EACCES') {
      throw new Failure(
        ExitCode.permission,
        `kamctlrc ${kamctlrc} cannot be read; call the agent as root, or make the file readable`,
      );
    }
    throw new Failure(
      ExitCode.installed,
      `kamctlrc ${kamctlrc} is missing on this node (${errorCode(error)}); put it there, or set kamctlrc to nothing if this instance has no control plane`,
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
