import type { ActionName } from '../interface/actions.ts';
import type { Context } from './context.ts';
import { monitor } from './monitor.ts';

/** Does an action, returns the exit code, throws Failure. */
type Action = (context: Context) => Promise<number>;

const validateAll: Action = async (context) => (await import('./validate-all.ts')).validateAll(context);
const help: Action = async () => (await import('./help.ts')).help();

/** The monitor, which the cluster calls all day, is at hand; what else an action needs is loaded when it is called. */
const ACTION_BY_NAME: Readonly<Record<ActionName, Action>> = {
  start: async (context) => (await import('./start.ts')).start(context),
  stop: async (context) => (await import('./stop.ts')).stop(context),
  monitor,
  status: monitor,
  'validate-all': validateAll,
  'reload-agent': async (context) => (await import('./reload-agent.ts')).reloadAgent(context),
  'meta-data': async (context) => (await import('./meta-data.ts')).metaData(context),
  notify: async () => (await import('./notify.ts')).notify(),
  diagnose: async (context) => (await import('./diagnose.ts')).diagnose(context),
  suggest: async (context) => (await import('./suggest.ts')).suggest(context),
  help,
  usage: help,
  version: async () => (await import('./version.ts')).version(),
};

/** The action of the agent's own watcher, which nobody else calls: in no table, and advertised nowhere. */
const WATCH = 'watch';
/** The action of an agent inside of another network namespace, see `pollInside`. */
const POLL = 'poll';

/** The code of an action; undefined when the agent has none of that name. */
export function actionNamed(action: string): Action | undefined {
  if (action === WATCH) return async (context) => (await import('./watch.ts')).watch(context);
  if (action === POLL) return async (context) => (await import('./poll.ts')).poll(context);
  return Object.entries(ACTION_BY_NAME).find(([name]) => name === action)?.[1];
}
