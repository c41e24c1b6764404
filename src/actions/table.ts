import type { ExitCode } from '../ocf/exit-code.ts';
import type { Context } from './context.ts';

/** A module of this folder: does the action, returns the exit code, throws Failure. */
export interface Action {
  run(context: Context): Promise<ExitCode>;
}

/** One row of the table of actions: the source of dispatch, metadata, help and man page. */
export interface ActionRow {
  /** Loads the code; an action pays for no other. */
  readonly load: () => Promise<Action>;
  readonly short: string;
  /** Suggested timeout in s for the metadata; without it the action is for people and not advertised. */
  readonly timeout?: number;
  /** Suggested interval in s. */
  readonly interval?: number;
  /**
   * The check levels that the metadata advertises, each as an action of its own, with their intervals in s.
   * `pcs resource create` makes an operation of each, and leaves the check level of depth 0 unset.
   */
  readonly depths?: Readonly<Record<number, number>>;
  /** Another name of an action further up, which help leaves out. */
  readonly aliasOf?: string;
}

/** Every action, in the order people read them. */
export const ACTIONS: Readonly<Record<string, ActionRow>> = {
  start: {
    load: () => import('./start.ts'),
    timeout: 60,
    short: 'Starts Kamailio and returns when it answers.',
  },
  stop: { load: () => import('./stop.ts'), timeout: 30, short: 'Ends every process of the instance.' },
  monitor: {
    load: () => import('./monitor.ts'),
    timeout: 30,
    interval: 10,
    depths: { 0: 10, 10: 30, 20: 60 },
    short: 'Checks the main process, each SIP transport and the control plane.',
  },
  status: {
    load: () => import('./monitor.ts'),
    timeout: 30,
    interval: 10,
    short: 'The same as monitor.',
  },
  'validate-all': {
    load: () => import('./validate-all.ts'),
    timeout: 5,
    short: 'Checks the parameters, what they name on this node, and the configuration file.',
  },
  'reload-agent': {
    load: () => import('./reload-agent.ts'),
    timeout: 10,
    short: 'Takes changed parameters into effect without touching Kamailio.',
  },
  'meta-data': { load: () => import('./meta-data.ts'), timeout: 5, short: 'Prints the metadata as XML.' },
  notify: { load: () => import('./notify.ts'), timeout: 5, short: 'Does nothing, successfully.' },
  diagnose: {
    load: () => import('./diagnose.ts'),
    short:
      'Checks everything and explains it to a person; `diagnose RESOURCE` takes the parameters from the cluster.',
  },
  help: { load: () => import('./help.ts'), short: 'Prints this.' },
  usage: { load: () => import('./help.ts'), short: 'Prints this.', aliasOf: 'help' },
  version: { load: () => import('./version.ts'), short: "Prints the agent's version." },
};
