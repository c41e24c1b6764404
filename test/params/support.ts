import * as assert from 'uvu/assert';
import { Failure } from '../../src/failure/failure.ts';
import { OCF_ERR_CONFIGURED } from '../../src/ocf/exit-code.ts';
import { type Invocation, readInvocation } from '../../src/ocf/invocation.ts';

/** An invocation of `action` with these parameters in the environment and these flags on the command line. */
export function invoke(
  params: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
  instance = 'sip',
  action = 'monitor',
): Invocation {
  const env: NodeJS.ProcessEnv = { OCF_RESOURCE_INSTANCE: instance };
  for (const [name, value] of Object.entries(params)) env[`OCF_RESKEY_${name}`] = value;
  return readInvocation([...flags, action], env);
}

/** Asserts that an attempt fails with exit code 6 and returns the reason. */
export function refused(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    assert.instance(error, Failure);
    if (!(error instanceof Failure)) throw error;
    assert.is(error.code, OCF_ERR_CONFIGURED, error.message);
    return error.message;
  }
  throw new Error('was not refused');
}
