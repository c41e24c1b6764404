import type { ActionName } from '../interface/actions.ts';
import type { Context } from './context.ts';
import { diagnose } from './diagnose.ts';
import { help } from './help.ts';
import { metaData } from './meta-data.ts';
import { monitor } from './monitor.ts';
import { notify } from './notify.ts';
import { reloadAgent } from './reload-agent.ts';
import { start } from './start.ts';
import { stop } from './stop.ts';
import { suggest } from './suggest.ts';
import { validateAll } from './validate-all.ts';
import { version } from './version.ts';
import { watch } from './watch.ts';

/** Does an action, returns the exit code, throws Failure. */
type Action = (context: Context) => Promise<number>;

const ACTION_BY_NAME: Readonly<Record<ActionName, Action>> = {
  start,
  stop,
  monitor,
  status: monitor,
  'validate-all': validateAll,
  'reload-agent': reloadAgent,
  'meta-data': metaData,
  notify,
  diagnose,
  suggest,
  help,
  usage: help,
  version,
};

/** The action of the agent's own watcher, which nobody else calls: in no table, and advertised nowhere. */
const WATCH = 'watch';

/** The code of an action; undefined when the agent has none of that name. */
export function actionNamed(action: string): Action | undefined {
  if (action === WATCH) return watch;
  return Object.entries(ACTION_BY_NAME).find(([name]) => name === action)?.[1];
}
