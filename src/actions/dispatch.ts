import type { Context } from './context.ts';
import { run as diagnose } from './diagnose.ts';
import { run as help } from './help.ts';
import { run as metadata } from './meta-data.ts';
import { run as monitor } from './monitor.ts';
import { run as notify } from './notify.ts';
import { run as reloadAgent } from './reload-agent.ts';
import { run as start } from './start.ts';
import { run as stop } from './stop.ts';
import type { ActionName } from './table.ts';
import { run as validateAll } from './validate-all.ts';
import { run as version } from './version.ts';

/** Does an action, returns the exit code, throws Failure. */
type Run = (context: Context) => Promise<number>;

const RUN: Readonly<Record<ActionName, Run>> = {
  start,
  stop,
  monitor,
  status: monitor,
  'validate-all': validateAll,
  'reload-agent': reloadAgent,
  'meta-data': metadata,
  notify,
  diagnose,
  help,
  usage: help,
  version,
};

/** The code of an action; undefined when the agent has none of that name. */
export function codeOf(action: string): Run | undefined {
  return Object.entries(RUN).find(([name]) => name === action)?.[1];
}
