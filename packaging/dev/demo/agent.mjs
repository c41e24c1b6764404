import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const AGENT = fileURLToPath(new URL('../../../dist/kamailio', import.meta.url));

/** The call that is under way. */
let running;

/**
 * Calls the built agent as Pacemaker's executor does: the action as its argument, the parameters as
 * OCF_RESKEY_<name>. Returns its exit code, the reason it gave, its stderr, and the time it took in ms.
 */
export function callAgent(action, params) {
  const env = {
    PATH: process.env.PATH,
    OCF_ROOT: '/usr/lib/ocf',
    OCF_RA_VERSION_MAJOR: '1',
    OCF_RA_VERSION_MINOR: '1',
    OCF_RESOURCE_INSTANCE: 'demo',
  };
  for (const [name, value] of Object.entries(params)) env[`OCF_RESKEY_${name}`] = value;
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    // A process group of its own: Ctrl-C reaches the demo alone, which then ends the agent in good order.
    running = spawn(AGENT, [action], { env, detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    running.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    running.on('error', reject);
    running.on('close', (code, signal) => {
      running = undefined;
      const reason = /^ocf-exit-reason:(.*)$/m.exec(stderr)?.[1] ?? '';
      resolve({ code: code ?? signal, reason, stderr, milliseconds: performance.now() - startedAt });
    });
  });
}

/** Ends the call that is under way, if any, as the executor does when an operation is late. */
export function endAgent() {
  running?.kill('SIGTERM');
}
