import { Failure } from '../failure/failure.ts';
import { errorCode, isExhaustion } from '../failure/system-error.ts';
import { type ControlSettings, readControlSettings } from '../kamctl/kamctlrc.ts';
import { OCF_ERR_ARGS, OCF_ERR_INSTALLED, OCF_ERR_PERM } from '../ocf/exit-code.ts';

/** The two parameters that say where an instance's control plane is. */
export interface Whose {
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
