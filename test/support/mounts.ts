import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AGENT } from './agent.ts';

/** Whether this machine lets a test have mounts of its own. */
export const canMount = spawnSync('unshare', ['--mount', 'true']).status === 0;

/**
 * Makes the agent of a node that has other files at some paths, and returns its path in `directory`. Each call is in a
 * mount namespace of its own, where the shell command `prepare` mounts them; the suites beside it see none of that.
 * `prepare` holds no single quote. A call that cannot be prepared fails with mount's exit code.
 */
export function agentWithMounts(directory: string, prepare: string): string {
  const agent = join(directory, 'agent-with-mounts');
  const lines = [
    '#!/bin/sh',
    // A test may give the agent a PATH without the system's tools.
    'PATH="$PATH:/usr/bin:/bin"',
    `exec unshare --mount sh -c '${prepare} && exec "$0" "$@"' '${AGENT}' "$@"`,
  ];
  writeFileSync(agent, `${lines.join('\n')}\n`, { mode: 0o755 });
  return agent;
}
