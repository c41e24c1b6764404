import { spawn } from 'node:child_process';

/** A cluster that is starting may keep the tool waiting, ms. */
const LIMIT_MS = 15_000;

/**
 * The values of a resource's parameters as the cluster would pass them: `crm_resource --get-parameter` works in
 * templates, references and rules. What is not set is not in the map.
 */
export async function askParameters(
  id: string,
  names: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<ReadonlyMap<string, string>> {
  const values = await Promise.all(names.map((name) => askParameter(id, name, env)));
  return new Map(
    names.flatMap((name, index): [string, string][] => {
      const value = values[index];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** One value; undefined when it is not set: then the tool prints nothing on stdout. */
function askParameter(id: string, name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const words = ['--resource', id, '--get-parameter', name];
  return new Promise((resolve, reject) => {
    const child = spawn('crm_resource', words, {
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: LIMIT_MS,
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    child.on('error', reject);
    child.on('close', () => resolve(text === '' ? undefined : text.replace(/\n$/, '')));
  });
}
