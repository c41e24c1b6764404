import * as assert from 'uvu/assert';
import { type Call, type CallOptions, callAgent } from './agent.ts';
import { type InstanceOptions, makeInstance, type TestInstance } from './instance.ts';

/** Runs `body` with an instance of its own, which is gone afterwards whatever happens. */
export async function withInstance(
  options: InstanceOptions,
  body: (instance: TestInstance) => Promise<void>,
): Promise<void> {
  const instance = await makeInstance(options);
  try {
    await body(instance);
  } finally {
    await instance.dispose();
  }
}

/** Calls the agent for an instance; `params` go over the instance's own. */
export function call(
  instance: TestInstance,
  action: string,
  params: Readonly<Record<string, string>> = {},
  options: CallOptions = {},
): Promise<Call> {
  return callAgent(
    action,
    { ...instance.params, ...params },
    { ...options, env: { ...instance.env, ...options.env } },
  );
}

/**
 * Asserts what a call came to: the exit code, and the reason, which matches every pattern, is given
 * exactly once for a failure, and not at all for a success.
 */
export function assertCall(call: Call, code: number, ...reasons: readonly RegExp[]): void {
  assert.is(call.code, code, `exit code ${call.code} instead of ${code}; stderr: ${call.stderr}`);
  const given = call.stderr.match(/^ocf-exit-reason:/gm)?.length ?? 0;
  assert.is(given, code === 0 ? 0 : 1, `${given} exit reasons for code ${code}: ${call.stderr}`);
  for (const reason of reasons)
    assert.match(call.reason, reason, `the reason does not match ${reason}: ${call.reason}`);
}
