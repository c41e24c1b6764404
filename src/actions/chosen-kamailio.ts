import { Failure } from '../failure/failure.ts';
import { PARAMETERS } from '../interface/parameters.ts';
import { OCF_ERR_ARGS, OCF_ERR_PERM, OCF_NOT_RUNNING } from '../ocf/exit-code.ts';
import type { Invocation } from '../ocf/invocation.ts';
import type { FoundKamailio } from '../suggestion/found.ts';
import { oneLine } from '../text/one-line.ts';
import { flagValue } from './command-flags.ts';

/** The Kamailio that is meant, the list if that is not clear, or undefined for a configuration file that nobody runs. */
export function choose(
  invocation: Invocation,
  all: readonly FoundKamailio[],
  conffile: string | undefined,
): FoundKamailio | FoundKamailio[] | undefined {
  const pid = flagValue(invocation, 'pid');
  if (pid !== undefined) return byPid(all, pid);
  const here = all.filter(({ inContainer }) => !inContainer);
  const meant =
    conffile === undefined
      ? here
      : here.filter(({ options }) => (options.conffile ?? PARAMETERS.conffile.default) === conffile);
  const [only] = meant;
  if (only && meant.length === 1) return visible(only);
  if (meant.length > 1) return [...all];
  if (conffile !== undefined) return undefined;
  throw new Failure(
    [
      {
        seen: 'no Kamailio runs on this node: no process that may be seen has a program called kamailio with modules of Kamailio',
        remedy:
          'start it, or call suggest --conffile=/etc/kamailio/kamailio.cfg for a suggestion from its configuration alone',
      },
      ...all.map((one) => ({ seen: inContainer(one) })),
    ],
    OCF_NOT_RUNNING,
  );
}

function byPid(all: readonly FoundKamailio[], pid: string): FoundKamailio {
  const found = all.find(({ main }) => String(main.pid) === pid);
  if (found && !found.inContainer) return visible(found);
  throw new Failure(
    found
      ? { seen: inContainer(found), remedy: 'call the agent inside the container' }
      : {
          seen: `--pid=${oneLine(pid, 40)} is not the main process of a Kamailio`,
          remedy: 'call suggest without --pid; it lists those that run',
        },
    OCF_ERR_ARGS,
  );
}

function inContainer({ main }: FoundKamailio): string {
  return `the Kamailio with pid ${main.pid} runs in a container (another PID namespace) and is not this node's own`;
}

/** Another account's sockets and files are hidden from all but root, and half a suggestion would be a wrong one. */
function visible(found: FoundKamailio): FoundKamailio {
  if (found.program !== undefined) return found;
  throw new Failure(
    {
      seen: `a Kamailio runs (pid ${found.main.pid}, uid ${found.uid}, \`${oneLine(found.argv.join(' '), 300)}\`), but its sockets and FIFO are hidden from uid ${process.geteuid?.()}`,
      remedy: 'call suggest as root',
    },
    OCF_ERR_PERM,
  );
}
