import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AGENT } from './agent.ts';
import { until } from './instance.ts';
import { withProgram } from './processes.ts';

/** A node with addresses of its own: a network namespace in which nothing but loopback is up. */
export interface Network {
  /** The agent as it is called there; what it starts lives there, too. */
  readonly agent: string;
}

/** Whether this machine can be given such a node. */
export const canHaveNetwork = spawnSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up']).status === 0;

/**
 * Runs `body` with a network whose first address is the interface's primary one, and the others secondary ones of the
 * same prefix (ip-address(8)). It is gone when all in it has ended.
 */
export function withNetwork(
  addresses: readonly string[],
  body: (network: Network) => Promise<void>,
): Promise<void> {
  return withProgram('unshare', ['--net', 'sleep', '1000'], {}, async ({ pid }) => {
    const namespace = `/proc/${pid}/ns/net`;
    await until(() => readlinkSync(namespace) !== readlinkSync('/proc/self/ns/net'), 'it is another network');
    const run = (...words: readonly string[]) =>
      execFileSync('nsenter', [`--net=${namespace}`, ...words], { stdio: 'ignore' });
    run('ip', 'link', 'set', 'lo', 'up');
    for (const address of addresses) run('ip', 'address', 'add', `${address}/24`, 'dev', 'lo');
    run('sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_nonlocal_bind');
    const directory = mkdtempSync('/tmp/ocf-kamailio-network-');
    try {
      const agent = join(directory, 'agent');
      writeFileSync(agent, `#!/bin/sh\nexec nsenter --net=${namespace} '${AGENT}' "$@"\n`);
      chmodSync(agent, 0o755);
      await body({ agent });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}
