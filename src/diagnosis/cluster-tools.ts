import { Failure } from '../failure/failure.ts';
import { errorCode } from '../failure/system-error.ts';
import { OCF_ERR_INSTALLED } from '../ocf/exit-code.ts';
import { type Ended, runProgram } from '../system/run-program.ts';

/** How long one of Pacemaker's tools may take, ms: a cluster that is starting keeps them waiting. */
const LIMIT_MS = 15_000;

/**
 * Calls one of Pacemaker's command line tools with an argument vector and returns what it said; a tool that refuses
 * says so by its exit code. Throws Failure OCF_ERR_INSTALLED if it cannot be called, OCF_ERR_GENERIC if it does not answer.
 */
export function callTool(program: string, words: readonly string[], env: NodeJS.ProcessEnv): Ended {
  const answer = runProgram(program, words, { env, limitMs: LIMIT_MS });
  if (!answer.error) return answer;
  throw errorCode(answer.error) === 'ETIMEDOUT'
    ? new Failure({
        seen: `${program} does not answer within ${LIMIT_MS / 1000} s`,
        remedy: 'see `crm_mon -1` and `systemctl status pacemaker`, or give the parameters as flags',
      })
    : new Failure(
        {
          seen: `${program} cannot be called (${answer.error.message})`,
          remedy: "install pacemaker's command line tools, or give the parameters as flags",
        },
        OCF_ERR_INSTALLED,
      );
}
