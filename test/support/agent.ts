import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The built file that the suites test. */
export const AGENT =
  process.env.AGENT_UNDER_TEST ?? fileURLToPath(new URL('../../dist/kamailio', import.meta.url));

/** The shell agent of the package resource-agents; our package, where it is installed, has moved it. */
export const SHELL_AGENT = process.env.SHELL_AGENT_UNDER_TEST ?? '/usr/lib/ocf/resource.d/heartbeat/kamailio';

/** What a call of an agent came to. */
export interface Call {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The exit reason without its prefix, empty when there was none. */
  readonly reason: string;
}

export interface CallOptions {
  /** The agent to call; the built one unless said otherwise. */
  readonly agent?: string;
  /** More of the environment, such as OCF_CHECK_LEVEL. */
  readonly env?: Readonly<Record<string, string>>;
  /** More arguments behind the action. */
  readonly args?: readonly string[];
  /** Account to call it as; root otherwise. */
  readonly uid?: number;
  readonly gid?: number;
  /** Kills the agent after so many ms, as the executor does; its code is null then. */
  readonly limitMs?: number;
}

/** How long after an agent's end its last output is waited for, while somebody else holds its pipes. */
const LAST_OUTPUT_MS = 20;

/** Calls an agent as the executor does: one action, parameters as OCF_RESKEY_<name>. */
export async function callAgent(
  action: string | undefined,
  params: Readonly<Record<string, string>> = {},
  options: CallOptions = {},
): Promise<Call> {
  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH ?? '',
    OCF_ROOT: '/usr/lib/ocf',
    OCF_RESOURCE_INSTANCE: 'ocfk_test',
    OCF_RA_VERSION_MAJOR: '1',
    OCF_RA_VERSION_MINOR: '1',
  };
  for (const [name, value] of Object.entries(params)) env[`OCF_RESKEY_${name}`] = value;
  Object.assign(env, options.env);
  const words = [...(action === undefined ? [] : [action]), ...(options.args ?? [])];
  const child = spawn(options.agent ?? AGENT, words, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.uid !== undefined && { uid: options.uid, gid: options.gid ?? options.uid }),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const limit = options.limitMs && setTimeout(() => child.kill('SIGKILL'), options.limitMs);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
    // The shell agent's Kamailio may keep a pipe of its own open: the end of the agent counts.
    child.on('exit', (status) => setTimeout(resolve, LAST_OUTPUT_MS, status));
  });
  if (limit) clearTimeout(limit);
  const reason = /^ocf-exit-reason:(.*)$/m.exec(stderr)?.[1] ?? '';
  return { code, stdout, stderr, reason };
}
