import { operationDeadline } from './actions/context.ts';
import { actionNamed } from './actions/dispatch.ts';
import { Failure } from './failure/failure.ts';
import { explainExhaustion, isExhaustion } from './failure/system-error.ts';
import { OCF_ERR_GENERIC, OCF_ERR_UNIMPLEMENTED } from './ocf/exit-code.ts';
import { type Invocation, readInvocation } from './ocf/invocation.ts';
import { type Log, openLog, writeExitReason } from './ocf/log.ts';
import { unknownFlags } from './params/raw.ts';
import { absoluteParts } from './system/search-path.ts';
import { oneLine } from './text/one-line.ts';
import { isTraced, type Note } from './tracing/note.ts';
import { tracedLog } from './tracing/traced-log.ts';

/** Runs one action and returns its exit code: the one place where a Failure becomes a code and a reason. */
async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  let log: Log | undefined;
  let note: Note = () => {};
  const fail = (error: unknown) => {
    const failure = error instanceof Failure ? error : internalError(error);
    note(() => `exit code ${failure.code ?? OCF_ERR_GENERIC}: ${failure.message}`);
    writeExitReason(failure.message, env);
    log?.exitReason(failure.message);
    return failure.code ?? OCF_ERR_GENERIC;
  };
  // What is thrown where a socket or a process reports comes to no caller.
  process.once('uncaughtException', (error) => process.exit(fail(error)));
  try {
    const invocation = readInvocation(argv, env);
    log = openLog(invocation);
    if (isTraced(env)) {
      note = (await traceOrWarn(invocation, log)) ?? note;
      log = tracedLog(log, note);
    }
    const code = await act(invocation, log, note);
    note(() => `exit code ${code}`);
    return code;
  } catch (error) {
    return fail(error);
  }
}

/** The trace of an action that the agent has. What keeps it from being written keeps no action from being done. */
async function traceOrWarn(invocation: Invocation, log: Log): Promise<Note | undefined> {
  if (!actionNamed(invocation.action)) return undefined;
  const { openTrace } = await import('./tracing/trace.ts');
  try {
    return openTrace(invocation);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    log.warn(`trace_ra is set, but no trace is written: ${error.message}`);
    return undefined;
  }
}

async function act(invocation: Invocation, log: Log, note: Note): Promise<number> {
  const action = actionNamed(invocation.action);
  if (!action) {
    throw new Failure(
      {
        seen: `this agent has no action "${oneLine(invocation.action, 80)}"`,
        remedy: '`kamailio help` lists those it has',
      },
      OCF_ERR_UNIMPLEMENTED,
    );
  }
  if (invocation.flags.length > 0) warnOfFlags(invocation, log);
  return action({ invocation, log, note, deadline: operationDeadline(invocation) });
}

/** Arguments that nobody knows are ignored (OCF RA API 1.1), but a person who mistypes a parameter must see it. */
function warnOfFlags(invocation: Invocation, log: Log): void {
  for (const name of unknownFlags(invocation).filter((flag) => !OWN_FLAGS.includes(flag))) {
    log.warn(
      `--${oneLine(name, 80)} is not a parameter of this agent and is ignored; \`kamailio help\` lists those it has`,
    );
  }
}

/** Flags that are not parameters: those of diagnose and suggest, and the actions that are written as flags. */
const OWN_FLAGS = ['output', 'pid', 'for', 'standby', 'help', 'version'];

/** A node at its limits is told as such; all else is a defect of the agent, told with the place, so that it can be reported. */
function internalError(error: unknown): Failure {
  if (isExhaustion(error)) {
    return new Failure(explainExhaustion(error), OCF_ERR_GENERIC);
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new Failure({ seen: detail }, OCF_ERR_GENERIC, 'internal error of the agent, please report it');
}

process.env.PATH = absoluteParts(process.env.PATH);
// Timers and sockets of polls that no longer matter must not hold the verdict up.
main(process.argv.slice(2), process.env).then((code) => process.exit(code));
