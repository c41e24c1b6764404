import { Failure } from '../failure/failure.ts';
import { OCF_ERR_ARGS } from './exit-code.ts';

/** What Pacemaker, or a person, asks of the agent: everything but the parameters' values. */
export interface Invocation {
  /** The action, e.g. `monitor`. */
  readonly action: string;
  /** Words behind the action; Pacemaker gives none. */
  readonly operands: readonly string[];
  /** `--name=value` flags behind or before the action, unparsed. */
  readonly flags: readonly string[];
  /** Where the parameters come from: OCF_RESKEY_<name>. */
  readonly env: NodeJS.ProcessEnv;
  /** Name of the instance (OCF_RESOURCE_INSTANCE), `default` when unset; a clone's bears a `:0`. */
  readonly instance: string;
  /** Time the operation may take, ms from the start of this process; undefined when nobody says. */
  readonly timeoutMs: number | undefined;
  /** OCF_CHECK_LEVEL as a number; undefined when unset or no number. */
  readonly checkLevel: number | undefined;
  /** HA_debug is above 0. */
  readonly debugging: boolean;
}

/** What the operation may take when Pacemaker names no timeout (a person calls): ms. */
export const DEFAULT_TIMEOUTS_MS = { start: 60_000, other: 30_000 } as const;

/**
 * Reads the command line (without node and script) and the environment.
 * The action is the first word that is no flag, or `__OCF_ACTION`; `--version` and `--help` are actions of
 * the same name. Throws Failure OCF_ERR_ARGS when there is none.
 */
export function readInvocation(argv: readonly string[], env: NodeJS.ProcessEnv): Invocation {
  return {
    action: readAction(argv, env),
    env,
    operands: argv.filter((word) => !word.startsWith('-')).slice(1),
    flags: argv.filter((word) => word.startsWith('--')),
    instance: env.OCF_RESOURCE_INSTANCE || 'default',
    timeoutMs: toCount(env.OCF_RESKEY_CRM_meta_timeout) || undefined,
    checkLevel: toCount(env.OCF_CHECK_LEVEL),
    debugging: (toCount(env.HA_debug) ?? 0) > 0,
  };
}

function readAction(argv: readonly string[], env: NodeJS.ProcessEnv): string {
  if (argv.includes('--version')) return 'version';
  if (argv.includes('--help') || argv.includes('-h')) return 'help';
  const action = argv.find((word) => !word.startsWith('-')) ?? env.__OCF_ACTION;
  if (action) return action;
  throw new Failure(
    {
      seen: 'no action given',
      remedy:
        'call the agent with one of start, stop, monitor, validate-all, meta-data (`kamailio help` lists all)',
    },
    OCF_ERR_ARGS,
  );
}

function toCount(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text.trim()) ? Number(text) : undefined;
}
