/** One row of the table of actions: the source of metadata, help and man page, and of the names in `dispatch`. */
export interface ActionRow {
  readonly short: string;
  /** Suggested timeout in s for the metadata; without it the action is for people and not advertised. */
  readonly timeout?: number;
  /** Suggested interval in s. */
  readonly interval?: number;
  /**
   * The check levels that the metadata advertises, each as an action of its own, with their intervals in s.
   * `pcs resource create` makes an operation of each. Depth 0 is not among them: pcs leaves its check level unset, and
   * unset is 10 (`checkLevelOf`), so that the cluster would do the same work twice.
   */
  readonly depths?: Readonly<Record<number, number>>;
  /** Another name of an action further up, which help leaves out. */
  readonly aliasOf?: string;
}

const ROWS = {
  start: {
    timeout: 60,
    short: 'Starts Kamailio and returns when it answers.',
  },
  stop: { timeout: 30, short: 'Ends every process of the instance.' },
  monitor: {
    timeout: 30,
    interval: 10,
    depths: { 10: 10, 20: 60 },
    short: 'Checks the main process, each SIP transport and the control plane.',
  },
  status: {
    timeout: 30,
    interval: 10,
    short: 'The same as monitor.',
  },
  'validate-all': {
    timeout: 5,
    short: 'Checks the parameters, what they name on this node, and the configuration file.',
  },
  'reload-agent': {
    timeout: 10,
    short: 'Takes changed parameters into effect without touching Kamailio.',
  },
  'meta-data': { timeout: 5, short: 'Prints the metadata as XML.' },
  notify: { timeout: 5, short: 'Does nothing, successfully.' },
  diagnose: {
    short:
      'Checks everything and explains it to a person; `diagnose RESOURCE` takes the parameters from the cluster.',
  },
  suggest: {
    short:
      'Prints what puts the Kamailio that runs on this node under the cluster, ready to paste; changes nothing. [--pid=PID] [--conffile=FILE] [--for=pcs|crm] [--standby] [--output=text|json]',
  },
  help: { short: 'Prints this.' },
  usage: { short: 'Prints this.', aliasOf: 'help' },
  version: { short: "Prints the agent's version." },
} as const satisfies Record<string, ActionRow>;

export type ActionName = keyof typeof ROWS;

/** Every action, in the order people read them. */
export const ACTIONS: Readonly<Record<ActionName, ActionRow>> = ROWS;
