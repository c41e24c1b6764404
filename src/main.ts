import { operationDeadline } from './actions/context.ts';
import { codeOf } from './actions/dispatch.ts';
import { explainExhaustion, isExhaustion } from './error-code.ts';
import { Failure, isFailure } from './failure.ts';
import { ExitCode } from './ocf/exit-code.ts';
import { type Invocation, readInvocation } from './ocf/invocation.ts';
import { type Log, openLog, writeExitReason } from './ocf/log.ts';
import { oneLine } from './ocf/one-line.ts';
import { unknownFlags } from './params/parse.ts';
import { absoluteParts } from './search-path.ts';

/** Runs one action and returns its exit code: the one place where a Failure becomes a code and a reason. */
async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  let log: Log | undefined;
  const fail = (error: unknown) => {
    const failure = isFailure(error) ? error : internalError(error);
    writeExitReason(failure.message, env);
    log?.exitReason(failure.message);
    return failure.code ?? ExitCode.generic;
  };
  // What is thrown where a socket or a process reports comes to no caller.
  process.once('uncaughtException', (error) => process.exit(fail(error)));
  try {
    const invocation = readInvocation(argv, env);
    log = openLog(invocation);
    return await act(invocation, log);
  } catch (error) {
    return fail(error);
  }
}

async function act(invocation: Invocation, log: Log): Promise<number> {
  const run = codeOf(invocation.action);
  if (!run) {
    throw new Failure(
      {
        seen: `this agent has no action "${oneLine(invocation.action, 80)}"`,
        remedy: '`kamailio help` lists those it has',
      },
      ExitCode.unimplemented,
    );
  }
  if (invocation.flags.length > 0) warnOfFlags(invocation, log);
  return run({ invocation, log, deadline: operationDeadline(invocation) });
}

/** Arguments that nobody knows are ignored (OCF RA API 1.1), but a person who mistypes a parameter must see it. */
function warnOfFlags(invocation: Invocation, log: Log): void {
  for (const name of unknownFlags(invocation).filter((flag) => !OWN_FLAGS.includes(flag))) {
    log.warn(
      `--${oneLine(name, 80)} is not a parameter of this agent and is ignored; \`kamailio help\` lists those it has`,
    );
  }
}

/** Flags that are no parameters: those of diagnose, and the actions that are written as flags. */
const OWN_FLAGS = ['output', 'help', 'version'];

/** A node at its limits is told as such; all else is a defect of the agent, told with the place, so that it can be reported. */
function internalError(error: unknown): Failure {
  if (isExhaustion(error)) {
    return new Failure(explainExhaustion(error), ExitCode.generic);
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new Failure({ seen: detail }, ExitCode.generic, 'internal error of the agent, please report it');
}

process.env.PATH = absoluteParts(process.env.PATH);
// Timers and sockets of polls that no longer matter must not hold the verdict up.
main(process.argv.slice(2), process.env).then((code) => process.exit(code));
